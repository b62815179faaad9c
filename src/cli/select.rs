//! Finding what a person means by COHORT: an id or an exact name.

use super::failure::Failure;
use crate::domain::CohortId;

/// A cohort as far as choosing one needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub id: CohortId,
    pub name: String,
}

/// Finds the cohort that `wanted` names. An exact name goes before an id, because a cohort may well be named
/// "2024"; two cohorts of one name must be told apart by id.
pub(super) fn find(wanted: &str, candidates: &[Candidate]) -> Result<CohortId, Failure> {
    let named: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.name == wanted).collect();
    match named.as_slice() {
        [only] => return Ok(only.id),
        [] => {}
        several => {
            let ids: Vec<String> = several.iter().map(|candidate| candidate.id.to_string()).collect();
            return Err(Failure::Usage(format!(
                "{} cohorts are named \"{wanted}\"; say which by its id: {}",
                several.len(),
                ids.join(", ")
            )));
        }
    }
    let by_id =
        wanted.parse().ok().map(CohortId).filter(|id| candidates.iter().any(|candidate| candidate.id == *id));
    by_id.ok_or_else(|| unknown(wanted, candidates))
}

fn unknown(wanted: &str, candidates: &[Candidate]) -> Failure {
    let nearest = candidates
        .iter()
        .map(|candidate| {
            (strsim::jaro_winkler(&candidate.name.to_lowercase(), &wanted.to_lowercase()), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let hint = match nearest {
        Some((_, candidate)) => format!("did you mean \"{}\" ({})?", candidate.name, candidate.id),
        None => "list them with: cohort-sync cohorts".to_owned(),
    };
    Failure::Usage(format!("there is no cohort \"{wanted}\"; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        [(1, "Power users"), (2, "2024"), (2024, "Churn risk"), (3, "Twins"), (4, "Twins")]
            .map(|(id, name)| Candidate { id: CohortId(id), name: name.to_owned() })
            .into()
    }

    #[test]
    fn a_name_goes_before_an_id() {
        assert_eq!(find("2024", &candidates()).unwrap(), CohortId(2));
        assert_eq!(find("3", &candidates()).unwrap(), CohortId(3));
        assert_eq!(find("Power users", &candidates()).unwrap(), CohortId(1));
    }

    #[test]
    fn what_is_not_there_or_not_clear_is_said_with_a_remedy() {
        let message = |wanted| find(wanted, &candidates()).unwrap_err().to_string();
        assert_eq!(
            message("power user"),
            "there is no cohort \"power user\"; did you mean \"Power users\" (1)?"
        );
        assert_eq!(message("xyz"), "there is no cohort \"xyz\"; list them with: cohort-sync cohorts");
        assert_eq!(message("Twins"), "2 cohorts are named \"Twins\"; say which by its id: 3, 4");
    }
}
