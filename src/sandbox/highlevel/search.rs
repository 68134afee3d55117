//! Looking for contacts: a query or filters come in; the contacts that fit go out.

use serde_json::{Value, json};

use super::super::listing::compare;
use super::super::records::{Record, plain, text_of};
use super::super::reply::Reply;
use super::super::world::{Call, World};
use super::{CONTACT, contacts};

/// Filters inside filters go no deeper.
const DEEPEST: usize = 8;

/// How long the value of a filter may be, in characters.
const LONGEST_VALUE: usize = 75;

/// The one contact with that e-mail address or phone; null when there is none.
pub(super) fn duplicate(world: &World, call: &Call) -> Reply {
    let found = contacts::find(world, call.text("email"), call.text("number"));
    Reply::new(200, json!({ "contact": found.map(|(contact, _)| contact) }))
}

/// The contacts that fit all filters, sorted, one page of them.
pub(super) fn advanced(world: &World, call: &Call) -> Reply {
    let none = Vec::new();
    let list = |field: &str| call.body.get(field).and_then(Value::as_array).unwrap_or(&none);
    let query = call.text("query").unwrap_or_default();
    let mut found = Vec::new();
    // Asked of an empty contact first: a wrong field is wrong where there are no contacts, too.
    if let Err(refusal) = all_fit(call, &Record::new(), list("filters"), 0) {
        return refusal;
    }
    for contact in world.records.all(CONTACT).filter(|contact| mentions(contact, query)) {
        match all_fit(call, contact, list("filters"), 0) {
            Ok(true) => found.push(contact),
            Ok(false) => {}
            Err(refusal) => return refusal,
        }
    }
    for sort in list("sort").iter().rev() {
        let field = sort["field"].as_str().unwrap_or_default();
        let down = sort["direction"].as_str().is_some_and(|way| way.eq_ignore_ascii_case("desc"));
        found.sort_by(|a, b| {
            let order = compare(a.get(field), b.get(field));
            if down { order.reverse() } else { order }
        });
    }
    let whole = |field: &str, usual: usize| {
        call.number(field).filter(|number| *number >= 1.0).map_or(usual, |number| number as usize)
    };
    let (page, size) = (whole("page", 1), whole("pageLimit", 20));
    let total = found.len();
    let shown: Vec<&Record> =
        found.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    Reply::new(200, json!({ "contacts": shown, "total": total }))
}

/// The older lists: all contacts, or those of a business.
pub(super) fn plain_list(world: &World, call: &Call) -> Reply {
    let query = call.text("query").unwrap_or_default();
    let business = call.path.get("businessId");
    let of_business =
        |contact: &&Record| business.is_none_or(|id| text_of(contact, "businessId") == *id);
    let found = world.records.all(CONTACT).filter(of_business);
    let found: Vec<&Record> = found.filter(|contact| mentions(contact, query)).collect();
    let total = found.len();
    let number = |field: &str| call.number(field).filter(|n| *n >= 0.0).map(|n| n as usize);
    let after = call.text("startAfterId").and_then(|id| {
        found.iter().position(|contact| text_of(contact, "id") == id).map(|at| at + 1)
    });
    let skip = after.or(number("skip")).unwrap_or(0);
    let limit = number("limit").unwrap_or(20).min(100);
    let shown: Vec<&Record> = found.into_iter().skip(skip).take(limit).collect();
    let mut body = json!({ "contacts": shown, "count": total });
    if business.is_none() {
        let last = shown.last();
        let added = last.map(|contact| text_of(contact, "dateAdded"));
        let added = added.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        body["meta"] = json!({
            "total": total,
            "startAfter": added.map(jiff::Timestamp::as_millisecond),
            "startAfterId": last.map(|contact| text_of(contact, "id")),
            "currentPage": skip / limit.max(1) + 1,
            "prevPage": null,
        });
    }
    Reply::new(200, body)
}

/// Whether a contact has the text in its name, address, phone or company.
fn mentions(contact: &Record, query: &str) -> bool {
    let query = query.trim().to_lowercase();
    let fields = ["name", "firstName", "lastName", "email", "phone", "companyName"];
    query.is_empty()
        || fields.iter().any(|field| text_of(contact, field).to_lowercase().contains(&query))
}

fn all_fit(call: &Call, contact: &Record, filters: &[Value], depth: usize) -> Result<bool, Reply> {
    let mut all = true;
    for filter in filters {
        all &= fits(call, contact, filter, depth)?;
    }
    Ok(all)
}

fn fits(call: &Call, contact: &Record, filter: &Value, depth: usize) -> Result<bool, Reply> {
    let refused = |message: String| Err(Reply::refused("highlevel", 400, message));
    if let Some(inner) = filter.get("filters").and_then(Value::as_array) {
        if depth >= DEEPEST {
            return refused("Filters are nested too deep".to_owned());
        }
        if filter["group"] != "OR" {
            return all_fit(call, contact, inner, depth + 1);
        }
        let mut any = false;
        for filter in inner {
            any |= fits(call, contact, filter, depth + 1)?;
        }
        return Ok(any);
    }
    let field = filter["field"].as_str().unwrap_or_default();
    if !is_field(call, field) {
        let field: String = field.chars().take(LONGEST_VALUE).collect();
        return refused(format!("Invalid field {field}"));
    }
    let wanted = &filter["value"];
    if wanted.as_str().is_some_and(|text| text.chars().count() > LONGEST_VALUE) {
        return refused(format!("The value of {field} is too long"));
    }
    let held = held(contact, field);
    let is_there = held.iter().any(|text| !text.is_empty());
    let any_is =
        || options(wanted).iter().any(|option| held.iter().any(|h| same(field, h, option)));
    let contains = || {
        let wanted = plain(wanted).to_lowercase();
        held.iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    Ok(match filter["operator"].as_str().unwrap_or("eq") {
        "eq" => any_is(),
        "not_eq" => !any_is(),
        "contains" => contains(),
        "not_contains" => !contains(),
        "exists" => is_there,
        "not_exists" => !is_there,
        "range" => held.iter().any(|text| in_range(text, wanted)),
        other => return refused(format!("Invalid operator {other}")),
    })
}

fn is_field(call: &Call, field: &str) -> bool {
    let of_contact = call.operation.list.as_ref().and_then(|list| list.of.fields.as_ref());
    field.starts_with("customFields.")
        || of_contact.is_some_and(|fields| fields.contains_key(field))
}

/// The texts that a contact has in a field.
fn held(contact: &Record, field: &str) -> Vec<String> {
    if let Some(id) = field.strip_prefix("customFields.") {
        let fields = contact.get("customFields").and_then(Value::as_array);
        let found = fields.into_iter().flatten().find(|field| field["id"] == id);
        return found.map(|field| options(&field["value"])).unwrap_or_default();
    }
    contact.get(field).map(options).unwrap_or_default()
}

/// One text, or those of a list.
fn options(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        other => vec![plain(other)],
    }
}

fn same(field: &str, held: &str, wanted: &str) -> bool {
    match field {
        "phone" => contacts::same_phone(held) == contacts::same_phone(wanted),
        _ => held.to_lowercase() == wanted.to_lowercase(),
    }
}

fn in_range(held: &str, range: &Value) -> bool {
    let held = Value::from(held);
    let order = |name: &str| range.get(name).map(|limit| compare(Some(&held), Some(limit)));
    order("gt").is_none_or(|order| order.is_gt())
        && order("gte").is_none_or(|order| order.is_ge())
        && order("lt").is_none_or(|order| order.is_lt())
        && order("lte").is_none_or(|order| order.is_le())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(world: &mut World, filters: Value) -> (u16, Value) {
        let body =
            json!({ "locationId": World::location_id(), "pageLimit": 1, "filters": filters });
        world.ask("highlevel", "POST /contacts/search", body)
    }

    #[test]
    fn filters_and_pages() {
        let mut world = World::for_test();
        let contacts = [
            json!({ "id": "a", "email": "a@example.com", "tags": ["vip"] }),
            json!({ "id": "b", "email": "b@example.com", "phone": "+14075550100" }),
        ];
        for contact in contacts {
            world.add_records(CONTACT, &[contact.as_object().unwrap().clone()]);
        }
        let (_, all) = found(&mut world, json!([]));
        assert_eq!((&all["total"], &all["contacts"][0]["id"]), (&json!(2), &json!("a")));
        assert_eq!(all["contacts"].as_array().unwrap().len(), 1);
        let eq =
            |field: &str, value: &str| json!({ "field": field, "operator": "eq", "value": value });
        let (_, one) = found(&mut world, json!([eq("email", "B@example.com")]));
        assert_eq!((&one["total"], &one["contacts"][0]["id"]), (&json!(1), &json!("b")));
        let either =
            json!([{ "group": "OR", "filters": [eq("tags", "vip"), eq("phone", "4075550100")] }]);
        assert_eq!(found(&mut world, either).1["total"], 2);
        let (status, answer) = found(&mut world, json!([eq("colour", "red")]));
        assert_eq!((status, &answer["message"]), (400, &json!("Invalid field colour")));
        let call = format!(
            "GET /contacts/search/duplicate?locationId={}&email=A@example.com",
            World::location_id()
        );
        assert_eq!(world.ask("highlevel", &call, Value::Null).1["contact"]["id"], "a");
    }
}
