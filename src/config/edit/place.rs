//! Where a setting goes in the text of the file. One that is there is replaced where it stands; one that stands
//! there as a commented example takes the example's line; any other is added at the end of its table, which is made
//! where there is none. Everything else stays as somebody wrote it.

use crate::config::settings;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// A text with one setting changed.
#[derive(Debug)]
pub(in crate::config) struct Placed {
    pub text: String,
    /// The value that stood there.
    pub replaced: Option<Value>,
}

/// Changes a setting. `None` when there is nothing to take out; the error is what stands where a table should.
pub(in crate::config) fn change(
    text: &str,
    profile: Option<&str>,
    setting: &str,
    value: Option<&Value>,
) -> Result<Option<Placed>, String> {
    let (section, key) = split(setting);
    // The caller has read the same text, so it is TOML.
    let mut document: DocumentMut = text.parse().map_err(|_| "the file".to_owned())?;
    let path: Vec<&str> =
        profile.map(|name| ["profiles", name]).into_iter().flatten().chain(section.split('.')).collect();
    let Some(value) = value else {
        let Some(table) = existing(&mut document, &path)? else { return Ok(None) };
        let Some(item) = table.remove(key) else { return Ok(None) };
        let replaced = item.into_value().ok();
        return Ok(Some(Placed { text: document.to_string(), replaced }));
    };
    if existing(&mut document, &path)?.is_none_or(|table| !table.contains_key(key))
        && let Some(text) = in_place_of_example(text, &path.join("."), key, value)
    {
        return Ok(Some(Placed { text, replaced: None }));
    }
    let table = made(document.as_table_mut(), &path)?;
    let mut replaced = None;
    let mut value = value.clone();
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(there) => {
            // A remark behind the value stays behind it.
            *value.decor_mut() = there.decor().clone();
            replaced = Some(std::mem::replace(there, value).decorated("", ""));
        }
        None => drop(table.insert(key, Item::Value(value.decorated(" ", "")))),
    }
    Ok(Some(Placed { text: document.to_string(), replaced }))
}

/// Section and key. The key of a setting has no dots; that of a key binding may (`keys.list.sort`).
fn split(setting: &str) -> (&str, &str) {
    match setting.split_once('.') {
        Some((settings::KEYS_SECTION, action)) => (settings::KEYS_SECTION, action),
        _ => setting.rsplit_once('.').unwrap_or(("", setting)),
    }
}

fn existing<'d>(
    document: &'d mut DocumentMut,
    path: &[&str],
) -> Result<Option<&'d mut dyn TableLike>, String> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (depth, name) in path.iter().enumerate() {
        let Some(item) = table.get_mut(name) else { return Ok(None) };
        table = item.as_table_like_mut().ok_or_else(|| path[..=depth].join("."))?;
    }
    Ok(Some(table))
}

fn made<'d>(root: &'d mut Table, path: &[&str]) -> Result<&'d mut dyn TableLike, String> {
    let mut table: &mut dyn TableLike = root;
    for (depth, name) in path.iter().enumerate() {
        let is_last = depth + 1 == path.len();
        let item = table.entry(name).or_insert_with(|| {
            let mut made = Table::new();
            // The tables above it need no heading of their own.
            made.set_implicit(!is_last);
            if is_last {
                made.decor_mut().set_prefix("\n");
            }
            Item::Table(made)
        });
        table = item.as_table_like_mut().ok_or_else(|| path[..=depth].join("."))?;
    }
    Ok(table)
}

/// The text with the setting in the place of the comment that shows how it is written, if its table has one.
fn in_place_of_example(text: &str, table: &str, key: &str, value: &Value) -> Option<String> {
    let heading = format!("[{table}]");
    let example = format!("# {key} = ");
    let mut inside = false;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches("# ").trim_start();
        if line.trim_end() == heading {
            inside = true;
        } else if inside && bare.starts_with('[') && bare.trim_end().ends_with(']') {
            return None;
        } else if inside && line.starts_with(&example) {
            let end = line_start + line.len();
            let written = value.clone().decorated("", "");
            let text = format!("{}{key} = {written}\n{}", &text[..line_start], &text[end..]);
            // In a text of several lines that only looks like a comment the result would be something else.
            let said = text.parse::<DocumentMut>().ok()?;
            let mut there: &dyn TableLike = said.as_table();
            for name in table.split('.') {
                there = there.get(name)?.as_table_like()?;
            }
            return there.contains_key(key).then_some(text);
        }
        line_start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, setting: &str, value: impl Into<Value>) -> String {
        change(text, None, setting, Some(&value.into())).unwrap().unwrap().text
    }

    #[test]
    fn a_value_is_replaced_where_it_stands_and_remarks_stay() {
        let text = "# mine\n[sync]\ninterval = \"15m\" # often enough\nskip_anonymous = true\n";
        assert_eq!(
            set(text, "sync.interval", "1h"),
            "# mine\n[sync]\ninterval = \"1h\" # often enough\nskip_anonymous = true\n"
        );
    }

    #[test]
    fn a_commented_example_gives_its_place() {
        let text = "[mixpanel]\n# The project.\n# project_id = 12345\n\n[sync]\n# project_id = 1\n";
        assert_eq!(
            set(text, "mixpanel.project_id", 7),
            "[mixpanel]\n# The project.\nproject_id = 7\n\n[sync]\n# project_id = 1\n"
        );
        // An example of another table is none of its own.
        let text = "[mparticle]\ndelivery = \"feed\"\n# [mparticle.events_api]\n# key = \"us1\"\n";
        let placed = set(text, "mparticle.events_api.key", "us2");
        assert!(placed.contains("\n[mparticle.events_api]\nkey = \"us2\"\n"), "{placed}");
        assert!(placed.contains("# key = \"us1\"\n"), "{placed}");
    }

    #[test]
    fn tables_are_made_where_there_are_none() {
        assert_eq!(set("", "sync.interval", "1h"), "\n[sync]\ninterval = \"1h\"\n");
        let text = "[mixpanel]\nproject_id = 1\n";
        let placed = change(text, Some("eu"), "mixpanel.region", Some(&"eu".into())).unwrap().unwrap().text;
        assert_eq!(placed, "[mixpanel]\nproject_id = 1\n\n[profiles.eu.mixpanel]\nregion = \"eu\"\n");
        let inline = set("mixpanel = { region = \"us\" }\n", "mixpanel.project_id", 1);
        let read: DocumentMut = inline.parse().unwrap();
        assert_eq!(read["mixpanel"]["project_id"].as_integer(), Some(1), "{inline}");
        assert_eq!(read["mixpanel"]["region"].as_str(), Some("us"), "{inline}");
    }

    #[test]
    fn what_is_taken_out_can_be_put_back() {
        let text = "[ui]\n# Rest.\nmouse = false\ntheme = \"light\"\n";
        let taken = change(text, None, "ui.theme", None).unwrap().unwrap();
        assert_eq!(taken.text, "[ui]\n# Rest.\nmouse = false\n");
        let back = taken.replaced.unwrap();
        assert_eq!(set(&taken.text, "ui.theme", back), text);
        assert!(change(&taken.text, None, "ui.theme", None).unwrap().is_none());
    }

    #[test]
    fn an_action_with_a_dot_is_one_key() {
        let placed = set("[keys]\nquit = \"q\"\n", "keys.list.sort", "S");
        assert_eq!(placed, "[keys]\nquit = \"q\"\n\"list.sort\" = \"S\"\n");
    }

    #[test]
    fn what_is_no_table_is_named() {
        let error = change("sync = 3\n", None, "sync.interval", Some(&"1h".into())).unwrap_err();
        assert_eq!(error, "sync");
    }
}
