//! Mixpanel's own cohort webhook, read the way its documentation describes it to those who receive it: an action, the
//! cohort's name and up to a thousand members. How mParticle would translate one is not public; here a member becomes
//! the profile update that the integration's page describes. Owns the translation and the answer's form.

use serde_json::{Map, Value, json};

use crate::sandbox::reply::Reply;

/// Members that one call may hold.
pub(super) const MOST_MEMBERS: usize = 1_000;

/// A call as updates of profiles.
#[derive(Debug)]
pub(super) struct Call {
    action: String,
    /// An update a member, in the form of a batch.
    pub updates: Vec<Value>,
}

impl Call {
    /// Reads a call; `None` for a body that is none.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let action = body.get("action")?.as_str()?;
        let enters = match action {
            "members" | "add_members" => true,
            "remove_members" => false,
            _ => return None,
        };
        let parameters = body.get("parameters")?;
        let name = parameters.get("mixpanel_cohort_name")?.as_str()?;
        let members = parameters.get("members")?.as_array()?;
        let updates = members.iter().map(|member| update(member, name, enters)).collect();
        Some(Self { action: action.to_owned(), updates })
    }

    /// What Mixpanel expects to hear: success for all of them, or a failure of the whole call.
    pub(super) fn reply(&self, refused: usize) -> Reply {
        if refused == 0 {
            return Reply::json(200, &json!({ "action": self.action, "status": "success" }));
        }
        let error = json!({ "message": format!("{refused} members could not be read"), "code": 400 });
        Reply::json(400, &json!({ "action": self.action, "status": "failure", "error": error }))
    }
}

fn update(member: &Value, name: &str, enters: bool) -> Value {
    let mut update = Map::from_iter([("user_attributes".to_owned(), json!({ name: enters }))]);
    let mpid = member.get("$mparticle_user_id").and_then(|id| id.as_str()?.parse::<i64>().ok());
    match (mpid, member.get("mixpanel_distinct_id")) {
        (Some(mpid), _) => update.insert("mpid".to_owned(), mpid.into()),
        (None, id) => update.insert("user_identities".to_owned(), json!({ "customer_id": id })),
    };
    update.insert("environment".to_owned(), "production".into());
    Value::Object(update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_updates_of_one_attribute() {
        let call = Call::read(&json!({
            "action": "remove_members",
            "parameters": {
                "mixpanel_cohort_name": "Power users",
                "members": [
                    { "mixpanel_distinct_id": "a", "$mparticle_user_id": "-9007199254740993" },
                    { "mixpanel_distinct_id": "b" },
                ],
            },
        }));
        let updates = call.unwrap().updates;
        assert_eq!(updates[0]["mpid"], -9_007_199_254_740_993_i64);
        assert_eq!(updates[1]["user_identities"]["customer_id"], "b");
        assert_eq!(updates[0]["user_attributes"], json!({ "Power users": false }));
        assert!(Call::read(&json!({ "action": "dance" })).is_none());
    }
}
