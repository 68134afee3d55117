//! What only Stax does: payments, invoices that are paid and sent, deletions that can be seen, and
//! its ways of saying that something is not there.

use serde_json::{Map, Value, json};

use crate::catalog::Effect;
use crate::connection::leads_here;

use super::complete::{Stamp, Template};
use super::generic::{new_record, shown, there, touch, with_record};
use super::outbox::THIS_MACHINE_ONLY;
use super::records::{Record, folded, is_blank, space_stamp, text_of};
use super::reply::Reply;
use super::world::{Call, World};

/// Does what is no record of its own: charges, refunds, sends, counts.
pub(super) fn act(world: &mut World, call: &Call) -> Reply {
    if call.id().is_none() {
        let record = new_record(world, call);
        world.records.insert(&call.kind(), record.clone());
        return with_record(call, Some(shown(world, &call.operation.app, record)));
    }
    let known = there(world, call);
    let is_known = known.is_some();
    // A recipe seldom says which payments and invoices there are: one that is not known is answered
    // too, and not kept.
    let mut record = known.unwrap_or_else(|| stand_in(world, call));
    if let Err(refusal) = change(world, call, &mut record) {
        return refusal;
    }
    touch(world, &mut record);
    if is_known {
        world.records.insert(&call.kind(), record.clone());
    }
    with_record(call, Some(shown(world, &call.operation.app, record)))
}

fn stand_in(world: &mut World, call: &Call) -> Record {
    let id = call.id().unwrap_or_default();
    let kind = call.operation.record.as_ref().map_or("", |record| record.kind.as_str());
    let template = Template::of_kind(world.catalog, "stax", kind);
    let template = template.or_else(|| Template::of(call.operation));
    let given = Map::from_iter([("id".to_owned(), Value::from(id))]);
    let stamp = Stamp::new(world.now);
    let mut record = template.map_or_else(|| given.clone(), |t| t.fill(&given, id, &stamp));
    settle(world, kind, &given, &mut record);
    record
}

fn change(world: &mut World, call: &Call, record: &mut Record) -> Result<(), Reply> {
    let now: Value = space_stamp(world.now).into();
    match call.operation.id.as_str() {
        "pay-an-invoice" | "mark-an-invoice-paid-in-cash-or-check" => pay(call, record, now)?,
        "send-an-invoice-via-email" | "send-an-invoice-via-sms" => {
            record.insert("sent_at".into(), now);
            if text_of(record, "status") == "DRAFT" {
                record.insert("status".into(), "SENT".into());
            }
        }
        "increment-items-stock" => stock(record, call.number("quantity").unwrap_or_default()),
        "decrement-items-stock" => stock(record, -call.number("quantity").unwrap_or_default()),
        "sms-transaction-receipt" => {
            record.insert("receipt_sms_at".into(), now);
        }
        "e-mail-transaction-receipt" => {
            record.insert("receipt_email_at".into(), now);
        }
        "refund-transaction" => refund(world, call, record)?,
        "void-transaction" => void(world, record)?,
        "void-or-refund-transaction" if is_blank(record.get("settled_at")) => void(world, record)?,
        "void-or-refund-transaction" => refund(world, call, record)?,
        "capture-a-pre-auth-transaction" => {
            let total = call.number("total").or_else(|| amount(record, "total"));
            let mut child = child(world, record, "capture", total);
            child.insert("auth_id".into(), record.get("id").cloned().unwrap_or_default());
            child.insert("reference_id".into(), "".into());
            record.insert("is_captured".into(), 1.into());
            add_child(record, "child_captures", child);
        }
        "submit-dispute-evidence-files-for-review" => {
            record.insert("status".into(), "EVIDENCE_UPLOADED".into());
        }
        _ => {}
    }
    Ok(())
}

fn pay(call: &Call, record: &mut Record, now: Value) -> Result<(), Reply> {
    if text_of(record, "status") == "PAID" {
        let mut reply = Reply::new(422, json!(["A paid invoice can't be paid again."]));
        reply.as_text = true;
        return Err(reply);
    }
    let due = amount(record, "balance_due").or_else(|| amount(record, "total"));
    let paid = call.number("apply_balance").or(due);
    let left = due.unwrap_or_default() - paid.unwrap_or_default();
    if let Some(paid) = paid {
        let before = amount(record, "total_paid").unwrap_or_default();
        record.insert("total_paid".into(), money(before + paid));
        record.insert("balance_due".into(), money(left.max(0.0)));
    }
    if left < 0.005 {
        record.insert("status".into(), "PAID".into());
        record.insert("paid_at".into(), now);
    } else {
        record.insert("status".into(), "PARTIALLY APPLIED".into());
    }
    Ok(())
}

fn stock(record: &mut Record, by: f64) {
    let before = amount(record, "in_stock").unwrap_or_default();
    record.insert("in_stock".into(), money(before + by));
}

fn refund(world: &mut World, call: &Call, record: &mut Record) -> Result<(), Reply> {
    refuse_voided(record)?;
    let total = amount(record, "total");
    let before = amount(record, "total_refunded").unwrap_or_default();
    let left = total.map(|total| total - before);
    let wanted = call.number("total").or(left);
    if let (Some(wanted), Some(left)) = (wanted, left)
        && wanted > left + 0.005
    {
        let text = "The total may not be greater than what is left of the payment.";
        return Err(Reply::new(422, json!({ "total": [text] })));
    }
    let child = child(world, record, "refund", wanted);
    record.insert("total_refunded".into(), money(before + wanted.unwrap_or_default()));
    let more = wanted.zip(left).is_some_and(|(wanted, left)| left - wanted > 0.005);
    record.insert("is_refundable".into(), more.into());
    record.insert("is_voidable".into(), false.into());
    add_child(record, "child_transactions", child);
    Ok(())
}

fn void(world: &mut World, record: &mut Record) -> Result<(), Reply> {
    refuse_voided(record)?;
    let total = amount(record, "total");
    let child = child(world, record, "void", total);
    record.insert("is_voided".into(), true.into());
    record.insert("is_voidable".into(), false.into());
    record.insert("is_refundable".into(), false.into());
    add_child(record, "child_transactions", child);
    Ok(())
}

fn refuse_voided(record: &Record) -> Result<(), Reply> {
    if record.get("is_voided") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    let text = "The transaction has already been voided.";
    Err(Reply::new(422, json!({ "total": [text] })))
}

/// A refund, void or capture as it hangs under its payment.
fn child(world: &mut World, of: &Record, what: &str, total: Option<f64>) -> Record {
    let id = world.records.new_id("stax.transaction");
    let now = space_stamp(world.now);
    let of = |field: &str| of.get(field).cloned().unwrap_or_default();
    let child = json!({
        "id": id,
        "type": what,
        "reference_id": of("id"),
        "merchant_id": of("merchant_id"),
        "customer_id": of("customer_id"),
        "payment_method_id": of("payment_method_id"),
        "success": true,
        "message": null,
        "total": total.map(money),
        "method": of("method"),
        "pre_auth": false,
        "last_four": of("last_four"),
        "child_transactions": [],
        "created_at": now,
        "updated_at": now,
    });
    match child {
        Value::Object(child) => child,
        _ => Map::new(),
    }
}

fn add_child(record: &mut Record, list: &str, child: Record) {
    match record.get_mut(list).and_then(Value::as_array_mut) {
        Some(children) => children.push(Value::Object(child)),
        None => {
            record.insert(list.to_owned(), json!([child]));
        }
    }
}

/// The children of a payment, when a call asks for those: `Some(None)` when there is no such payment.
pub(super) fn related(world: &World, call: &Call) -> Option<Option<Vec<Record>>> {
    if call.operation.path_pattern() != "/transaction/:id/related" {
        return None;
    }
    let payment = world.records.find("stax.transaction", call.path.get("id")?);
    Some(payment.map(|payment| {
        let lists = ["child_transactions", "child_captures"];
        let children = lists.iter().filter_map(|list| payment.get(*list)?.as_array());
        children.flatten().filter_map(|child| child.as_object().cloned()).collect()
    }))
}

/// Makes a new record consistent: what follows from what was sent.
pub(super) fn settle(world: &World, kind: &str, sent: &Record, record: &mut Record) {
    let unless_sent = |record: &mut Record, field: &str, value: Value| {
        if !sent.contains_key(field) && record.contains_key(field) {
            record.insert(field.to_owned(), value);
        }
    };
    match kind {
        "customer" => {
            let has_address = !is_blank(record.get("address_1"));
            unless_sent(record, "has_address", has_address.into());
        }
        "invoice" => {
            let total = amount(record, "total");
            let is_paid = text_of(record, "status") == "PAID";
            let paid = amount(sent, "total_paid").or(total.filter(|_| is_paid)).unwrap_or_default();
            unless_sent(record, "total_paid", money(paid));
            unless_sent(record, "balance_due", total.map_or(Value::Null, |t| money(t - paid)));
            let now = space_stamp(world.now);
            if is_blank(record.get("invoice_date_at")) {
                record.insert("invoice_date_at".into(), now.into());
            }
        }
        "payment_method" => settle_payment_method(sent, record),
        "transaction" => settle_transaction(world, sent, record),
        "webhook" | "partner_webhook" => {
            for (sent, kept) in [("target_url", "url"), ("event_name", "event")] {
                if let Some(value) = record.shift_remove(sent) {
                    record.insert(kept.into(), value);
                }
            }
        }
        _ => {}
    }
}

/// Numbers of cards and accounts are not kept, only their last four digits.
fn settle_payment_method(sent: &Record, record: &mut Record) {
    for secret in ["card_number", "card_cvv", "bank_account", "bank_routing"] {
        record.shift_remove(secret);
    }
    let number = ["card_number", "bank_account"].iter().find_map(|f| sent.get(*f)?.as_str());
    if let Some(number) = number {
        let from = number.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        record.insert("card_last_four".into(), number[from..].into());
    }
    if is_blank(sent.get("nickname")) {
        let kind = match text_of(record, "card_type") {
            kind if kind.is_empty() => text_of(record, "method"),
            kind => kind,
        };
        let name = text_of(record, "person_name");
        let last = text_of(record, "card_last_four");
        let nickname = format!("{}: {name} (ending in: {last})", kind.to_uppercase());
        record.insert("nickname".into(), nickname.into());
    }
}

/// Who paid follows from what they paid with.
fn settle_transaction(world: &World, sent: &Record, record: &mut Record) {
    if sent.get("pre_auth") == Some(&Value::Bool(true)) && !sent.contains_key("type") {
        record.insert("type".into(), "pre_auth".into());
    }
    let with = text_of(record, "payment_method_id");
    let Some(with) = world.records.find("stax.payment_method", &with) else { return };
    for (field, from) in
        [("customer_id", "customer_id"), ("method", "method"), ("last_four", "card_last_four")]
    {
        if let (false, Some(value)) = (sent.contains_key(field), with.get(from)) {
            record.insert(field.to_owned(), value.clone());
        }
    }
}

/// The addresses that are registered for an event.
pub(super) fn registered(world: &World, wire: &str) -> Vec<String> {
    let kinds = ["stax.webhook", "stax.partner_webhook"];
    let hooks = kinds.iter().flat_map(|kind| world.records.with(kind, "event", wire, folded));
    let there = hooks.filter(|hook| is_blank(hook.get("deleted_at")));
    there.map(|hook| text_of(hook, "url")).filter(|url| !url.is_empty()).collect()
}

/// A sandbox that sends webhooks sends them nowhere but to this machine.
pub(super) fn check_new(world: &World, call: &Call, record: &Record) -> Result<(), Reply> {
    let is_hook = matches!(call.kind().as_str(), "stax.webhook" | "stax.partner_webhook");
    if !is_hook || !world.sends_webhooks() || leads_here(&text_of(record, "url")) {
        return Ok(());
    }
    let text = format!("{THIS_MACHINE_ONLY}: register an address such as http://127.0.0.1:8377");
    Err(Reply::new(422, json!({ "target_url": [text] })))
}

/// A customer must keep a name, an address or a company.
pub(super) fn check_update(call: &Call, record: &Record) -> Result<(), Reply> {
    let names = ["firstname", "lastname", "email", "company"];
    let nameless = names.iter().all(|name| is_blank(record.get(*name)));
    if call.kind() != "stax.customer" || !nameless {
        return Ok(());
    }
    let text =
        "The firstname field is required when none of lastname / email / company are present.";
    Err(Reply::new(422, json!({ "firstname": [text] })))
}

/// Stax keeps what it deletes and says when that was.
pub(super) fn mark_deleted(world: &World, record: &mut Record) {
    record.insert("deleted_at".into(), space_stamp(world.now).into());
    if matches!(record.get("status"), Some(Value::String(_))) {
        record.insert("status".into(), "DELETED".into());
    }
    if record.contains_key("rule") {
        record.insert("active".into(), false.into());
        record.insert("next_run_at".into(), Value::Null);
        record.insert("future_occurrences".into(), json!([]));
    }
}

/// 404 when a customer is read, 422 in every other case.
pub(super) fn not_found(call: &Call, kind: &str) -> Reply {
    let reads = call.operation.effect == Effect::Read;
    match kind {
        "customer" if reads => Reply::new(404, json!({ "id": "customer not found" })),
        "webhook" | "partner_webhook" => {
            Reply::new(422, json!({ "id": ["Webhook could not be found"] }))
        }
        kind => Reply::new(422, json!({ "id": format!("{} not found", kind.replace('_', " ")) })),
    }
}

fn amount(record: &Record, field: &str) -> Option<f64> {
    let value = record.get(field)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n| n.is_finite())
}

/// An amount to the cent, without a point where there are no cents.
fn money(amount: f64) -> Value {
    let cents = (amount * 100.0).round() / 100.0;
    if cents.fract() == 0.0 && cents.abs() < 1e15 { json!(cents as i64) } else { json!(cents) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(answer: &Value) -> &str {
        answer["id"].as_str().unwrap()
    }

    #[test]
    fn a_customer_lives_and_is_seen_to_die() {
        let mut world = World::for_test();
        let body = json!({ "email": "bo@example.org", "reference": "GHL:1" });
        let (status, made) = world.ask("stax", "POST /customer", body.clone());
        assert_eq!((status, &made["created_at"]), (200, &json!("2026-03-02 10:00:00")));
        // Stax makes a second one.
        world.ask("stax", "POST /customer", body);
        let (_, list) = world.ask("stax", "GET /customer?reference=ghl:1&per_page=1", Value::Null);
        assert_eq!((&list["total"], &list["last_page"]), (&json!(2), &json!(2)));
        assert_ne!(list["data"][0]["id"], made["id"]);
        let path = format!("/customer/{}", id(&made));
        let (_, changed) = world.ask(
            "stax",
            &format!("PUT {path}"),
            json!({ "firstname": "Bo", "reference": null }),
        );
        assert_eq!((&changed["firstname"], &changed["reference"]), (&json!("Bo"), &Value::Null));
        let (_, dead) = world.ask("stax", &format!("DELETE {path}"), Value::Null);
        assert_eq!(dead["deleted_at"], "2026-03-02 10:00:00");
        assert_eq!(world.ask("stax", "GET /customer", Value::Null).1["total"], 1);
        let missing = json!({ "id": "customer not found" });
        assert_eq!(world.ask("stax", "GET /customer/x", Value::Null), (404, missing.clone()));
        assert_eq!(world.ask("stax", &format!("DELETE {path}"), Value::Null), (422, missing));
    }

    #[test]
    fn an_invoice_is_paid_once() {
        let mut world = World::for_test();
        let body = json!({ "customer_id": "c", "total": 21.4, "url": "https://x", "meta": {} });
        let (_, invoice) = world.ask("stax", "POST /invoice", body);
        assert_eq!((&invoice["balance_due"], &invoice["status"]), (&json!(21.4), &json!("DRAFT")));
        let pay = format!("POST /invoice/{}/pay/cash", id(&invoice));
        let (_, paid) = world.ask("stax", &pay, Value::Null);
        assert_eq!((&paid["balance_due"], &paid["status"]), (&json!(0), &json!("PAID")));
        let again = json!(["A paid invoice can't be paid again."]);
        assert_eq!(world.ask("stax", &pay, Value::Null), (422, again));
    }

    #[test]
    fn a_key_pays_once_and_a_payment_goes_back_once() {
        let mut world = World::for_test();
        let card = json!({ "id": "p", "customer_id": "c", "card_last_four": "4242" });
        world.add_records("stax.payment_method", &[card.as_object().unwrap().clone()]);
        let mut charge = json!({ "total": 5, "payment_method_id": "p", "pre_auth": false,
            "idempotency_id": "k" });
        let (_, first) = world.ask("stax", "POST /charge", charge.clone());
        let paid = [&first["total"], &first["customer_id"], &first["last_four"]];
        assert_eq!(paid, [&json!(5), &json!("c"), &json!("4242")]);
        assert_eq!(world.ask("stax", "POST /charge", charge.clone()).1, first);
        charge["total"] = 6.into();
        assert_eq!(world.ask("stax", "POST /charge", charge).0, 422);
        assert_eq!(world.records("stax.transaction").len(), 1);
        let void = format!("POST /transaction/{}/void", id(&first));
        let (_, answer) = world.ask("stax", &void, Value::Null);
        assert_eq!(answer["child_transactions"][0]["type"], "void");
        assert_eq!(world.ask("stax", &void, Value::Null).0, 422);
        let (_, unknown) = world.ask("stax", "POST /transaction/other/refund", Value::Null);
        assert_eq!(unknown["id"], "other");
    }
}
