//! All wording in one place: one constructor per mistake.

use serde_json::Value;

use super::{Code, Diagnostic, Fix, Place, nearest};
use crate::source::{Route, Source, Span, SyntaxError, SyntaxKind, Trap, TrapKind};
use crate::value::{Kind, ValueError};

fn new(code: Code, place: Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        code,
        severity: code.severity(),
        place,
        message: message.into(),
        help: None,
        fix: None,
    }
}

impl Diagnostic {
    fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// "did you mean `x`?", with the place corrected; without a near name, the help stays.
    fn near(mut self, near: Option<String>) -> Diagnostic {
        if let Some(near) = near {
            self.help = Some(format!("did you mean `{near}`?"));
            self.fix = Some(Fix { place: self.place.clone(), text: near });
        }
        self
    }

    fn fix(mut self, place: Place, text: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { place, text: text.into() });
        self
    }
}

fn key(route: &Route) -> Place {
    Place::Key(route.clone())
}

fn value(route: &Route) -> Place {
    Place::Value(route.clone())
}

fn list(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|n| format!("`{}`", n.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A place inside a value, from the value's own place.
pub fn nested(outer: &Route, inner: &Route) -> Route {
    Route::from_pointer(&format!("{}{}", outer.pointer(), inner.pointer()))
}

// ── The file ──

pub fn unreadable_file(why: &str) -> Diagnostic {
    new(Code::UnreadableFile, Place::File, why)
}

/// One of the traps of YAML, with the corrected line.
pub fn trap(source: &Source, trap: &Trap) -> Diagnostic {
    let place = Place::Text(trap.span.clone());
    let (code, message, help) = match trap.kind {
        TrapKind::UnquotedBraces => (
            Code::UnquotedBraces,
            "`{{ … }}` needs quotes around it: without them YAML reads the braces as its own"
                .into(),
            "put the whole value in quotes",
        ),
        TrapKind::ColonInText => (
            Code::ColonInText,
            "a colon followed by a space stands inside the text: YAML reads a second key".into(),
            "put the whole value in quotes",
        ),
        TrapKind::HashCutsText => (
            Code::HashCutsText,
            format!(
                "YAML reads `{}` as a remark and drops it",
                short(source.slice(&trap.span), 40)
            ),
            "put the whole value in quotes, or leave a space behind the `#` of a real remark",
        ),
        TrapKind::BracketInBraces => (
            Code::BracketInBraces,
            "a value with `[` in it needs quotes between `{ }`: YAML reads the bracket as a list"
                .into(),
            "put the value in quotes, or write it on a line of its own",
        ),
        TrapKind::TabIndent => (
            Code::TabIndent,
            "the line is indented with a tab; YAML takes only spaces".into(),
            "indent with two spaces",
        ),
    };
    let (span, text) = trap.fix.clone();
    new(code, place, message).help(help).fix(Place::Text(span), text)
}

/// A text that is not YAML.
pub fn syntax(source: &Source, error: &SyntaxError) -> Diagnostic {
    let place = Place::Text(error.span.clone());
    match &error.kind {
        SyntaxKind::Empty => new(Code::EmptyFile, Place::File, "the file is empty")
            .help("start with `name:`, `trigger:` and `steps:`"),
        SyntaxKind::DuplicateKey(name) => {
            new(Code::DuplicateKey, place, format!("`{name}` stands twice in the same place"))
                .help("keep one of the two")
        }
        SyntaxKind::TooDeep => {
            new(Code::TooDeep, place, "the values are nested too deep (64 levels at most)")
                .help("recipes are flat: look for brackets that are never closed")
        }
        SyntaxKind::TooManyValues => new(
            Code::TooManyValues,
            Place::File,
            "the file holds more values than a recipe may have (50,000)",
        )
        .help("split the recipe"),
        SyntaxKind::Alias => new(
            Code::AliasNotAllowed,
            place,
            "recipes have no YAML anchors, aliases or merge keys (`&`, `*`, `<<`)",
        )
        .help("write the value out, or put the text in quotes"),
        SyntaxKind::Tag => new(Code::TagNotAllowed, place, "recipes have no YAML tags (`!name`)")
            .help("leave the tag out, or put the text in quotes"),
        SyntaxKind::SeveralDocuments => new(
            Code::SeveralDocuments,
            place,
            "`---` starts a second document; a file holds one recipe",
        )
        .help("put the second recipe into a file of its own"),
        SyntaxKind::Other(words) => {
            let (message, help) = plain_yaml(words, source, &error.span);
            new(Code::YamlSyntax, place, message).help(help)
        }
    }
}

/// What the YAML reader says, for people who do not know its words.
fn plain_yaml(words: &str, source: &Source, span: &Span) -> (String, &'static str) {
    let has = |part: &str| words.contains(part);
    if has("trailing content after") {
        return (
            "the text goes on behind its closing quote".into(),
            "use the other kind of quote around a text that has quotes in it",
        );
    }
    if has("simple key expected") || has("could not find expected ':'") {
        return ("this line has no `:` with a space behind it".into(), "write `name: value`");
    }
    if has("mismatched bracket") || has("misplaced bracket") {
        return (
            "a bracket does not match the one that was opened".into(),
            "check the brackets of this line",
        );
    }
    if has("unclosed quote") {
        return ("a quote is opened here and never closed".into(), "close it with the same quote");
    }
    if has("did not find expected key") || has("did not find expected '-'") {
        return (
            "this line is indented differently from its neighbours".into(),
            "line it up with the lines it belongs to",
        );
    }
    if has("mapping values are not allowed") {
        return (
            "YAML does not expect a `:` here".into(),
            "check the indentation, or put the text in quotes",
        );
    }
    if has("unexpected character") {
        let shown = source.slice(span);
        return (format!("a value cannot begin with `{shown}`"), "put the value in quotes");
    }
    if has("did not find expected ','") {
        return (
            "a bracket is opened and not closed as YAML expects".into(),
            "check the commas and brackets, or put texts between them in quotes",
        );
    }
    (format!("this is not YAML: {words}"), "compare it with the lines above")
}

// ── Shape ──

pub fn not_a_recipe(found: &Value) -> Diagnostic {
    let kind = Kind::of(found).in_words();
    new(
        Code::NotARecipe,
        Place::File,
        format!("a recipe is a set of keys with values; this file holds {kind}"),
    )
    .help("start with `name:`, `trigger:` and `steps:`")
}

pub fn unreadable_recipe(why: &str) -> Diagnostic {
    new(Code::NotARecipe, Place::File, format!("the recipe cannot be read: {why}"))
        .help("compare it with `linecook schema`")
}

pub fn unknown_key(route: &Route, name: &str, known: &[String]) -> Diagnostic {
    if name.contains('\u{a0}') {
        return new(
            Code::UnknownKey,
            key(&route.key(name)),
            "a space that is none stands in front of the key",
        )
        .help("delete the space and type it again: it was copied from a web page or a letter");
    }
    let near = other_word(name)
        .filter(|word| known.iter().any(|k| k == word))
        .map(str::to_owned)
        .or_else(|| nearest(name, known.iter().map(String::as_str)));
    let holder = match route.last() {
        None => "a recipe".to_owned(),
        Some(last) if last.parse::<usize>().is_ok() => {
            match route.parent().and_then(|p| p.last()).as_deref() {
                Some("steps" | "do") => "a step".to_owned(),
                Some("examples") => "an example".to_owned(),
                Some(parent) => format!("an entry of `{parent}`"),
                None => "this place".to_owned(),
            }
        }
        Some(last) => format!("`{last}`"),
    };
    new(Code::UnknownKey, key(&route.key(name)), format!("{holder} has no key `{name}`"))
        .help(format!("known here: {}", list(known)))
        .near(near)
}

/// Words of other tools for what we call otherwise.
fn other_word(name: &str) -> Option<&'static str> {
    Some(match name {
        "if" | "condition" | "only_if" => "when",
        "foreach" | "loop" | "each" | "with_items" => "for_each",
        "action" | "uses" | "endpoint" | "operation" | "request" | "http" => "call",
        "body" | "params" | "parameters" | "data" | "fields" | "input" | "inputs" | "args"
        | "payload" => "with",
        "description" | "desc" | "summary" => "about",
        "triggers" | "on" | "event" => "trigger",
        "vars" | "variables" | "assign" | "let" => "set",
        "exit" | "end" | "return" => "stop",
        "group" | "block" | "then" => "do",
        "actions" | "tasks" | "jobs" => "steps",
        "title" => "name",
        "options" | "config" => "settings",
        "tests" | "test" => "examples",
        "output" | "outputs" | "extract" | "results" => "save",
        _ => return None,
    })
}

pub fn missing_key(route: &Route, name: &str) -> Diagnostic {
    let place = if *route == Route::root() { Place::File } else { key(route) };
    let help = match name {
        "name" if *route == Route::root() => "add `name:` with what the recipe does, in one line",
        "trigger" => "add `trigger:` with `on:` and an event, such as stax.customer_created",
        "steps" => "add `steps:` with at least one `- call:`",
        "on" => "add `on:` with an event, such as stax.customer_created",
        "call" => "add `call:` with an operation, such as POST /contacts/upsert",
        _ => "add it",
    };
    new(Code::MissingKey, place, format!("`{name}` is missing")).help(help)
}

pub fn wrong_shape(route: &Route, wanted: &[String], found: &Value) -> Diagnostic {
    let name = route.last().unwrap_or_else(|| "the recipe".to_owned());
    let name = match name.parse::<usize>() {
        Ok(at) => format!(
            "entry {} of `{}`",
            at + 1,
            route.parent().and_then(|p| p.last()).unwrap_or_default()
        ),
        Err(_) => format!("`{name}`"),
    };
    if *route == Route::root().key("trigger") && found.is_string() {
        let event = found.as_str().unwrap_or_default();
        return new(Code::WrongShape, value(route), "`trigger` wants the key `on` below it")
            .help(format!("write `trigger: {{ on: {} }}`", short(event, 60)));
    }
    let words: Vec<&str> = wanted.iter().map(|w| in_words(w)).collect();
    let wanted = words.join(" or ");
    if found.is_null() {
        return new(
            Code::WrongShape,
            key(route),
            format!("{name} is there, but nothing stands behind it"),
        )
        .help(format!("write {wanted} behind it, or leave it out"));
    }
    let gets = Kind::of(found).in_words();
    let help = match route.last().as_deref().and_then(form_of) {
        Some(form) => format!("write it like {form}"),
        None => format!("write {wanted}"),
    };
    new(Code::WrongShape, value(route), format!("{name} wants {wanted}, and gets {gets}"))
        .help(help)
}

/// How a key is written, for those who wrote something else.
fn form_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "for" | "first" | "at_most" => "30s, 15m, 2h or 3d",
        "when" => "when: event.email and event.phone",
        "unless_exists" => "unless_exists: { title: Welcome call }",
        "find" => "find: { title: Welcome call }",
        "with" => "with: { email: \"{{ event.email }}\" }",
        "set" => "set: { name: \"{{ event.firstname }}\" }",
        "save" => "save: { city: $.contact.city }",
        "stop" => "stop: No contact is known",
        "retry" => "retry: { for: 24h }, or retry: off",
        "steps" | "do" => "a line that begins with `- call:`, and below it `with:`",
        "examples" => "a line that begins with `- name:`",
        "trigger" => "trigger: { on: stax.customer_created }",
        "settings" => "settings: and below it a name with its `type:` and `ask:`",
        "replace_tags" => "replace_tags: true",
        _ => return None,
    })
}

fn in_words(json_type: &str) -> &str {
    match json_type {
        "string" => "a text",
        "array" => "a list (lines that begin with `-`)",
        "object" => "keys with values",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

pub fn unknown_word(route: &Route, options: &[String], found: &Value) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    let word = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let near = other_type(&word)
        .filter(|near| options.iter().any(|o| o == near))
        .map(str::to_owned)
        .or_else(|| nearest(&word, options.iter().map(String::as_str)));
    new(
        Code::UnknownWord,
        value(route),
        format!("`{name}` does not know the word `{}`", short(&word, 40)),
    )
    .help(format!("write one of {}", list(options)))
    .near(near)
}

/// Types by the names of other tools.
fn other_type(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "text" | "str" | "date" | "datetime" | "email" | "phone" => "string",
        "int" | "whole number" => "integer",
        "float" | "decimal" | "double" | "amount" | "money" => "number",
        "bool" | "yes/no" | "checkbox" | "true/false" => "boolean",
        "array" | "tags" => "list",
        "dict" | "map" | "hash" | "table" => "object",
        _ => return None,
    })
}

pub fn other_shape(route: &Route, message: &str) -> Diagnostic {
    new(Code::WrongShape, value(route), message.to_owned())
        .help("compare it with `linecook schema`")
}

// ── Steps ──

pub fn no_verb(route: &Route) -> Diagnostic {
    new(Code::NoVerb, value(route), "the step does nothing")
        .help("give it one of `call`, `set`, `stop` and `do`")
}

pub fn several_verbs(route: &Route, first: &str, second: &str) -> Diagnostic {
    new(
        Code::SeveralVerbs,
        key(route),
        format!("a step does one thing; this one has `{first}` and `{second}`"),
    )
    .help("make two steps of it")
}

pub fn key_not_for_verb(route: &Route, name: &str, verb: &str) -> Diagnostic {
    let message = format!("`{name}` belongs to a `call`, and this step has `{verb}`");
    let help = match verb {
        "do" => "move it to the step inside that makes the call",
        _ => "leave it out",
    };
    new(Code::KeyNotForVerb, key(route), message).help(help)
}

/// A list of steps with nothing in it.
pub fn no_steps(route: &Route) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    new(Code::NoVerb, key(route), format!("`{name}` is empty: nothing would be done"))
        .help("add at least one step: - call: POST /contacts/upsert")
}

/// `for_each: item in settings.list`
pub fn only_the_list(route: &Route, list: &str) -> Diagnostic {
    new(
        Code::NotAList,
        value(route),
        "`for_each` wants only the list; the item is always called `item`",
    )
    .help("leave out everything in front of it")
    .fix(value(route), list)
}

pub fn find_reads_all(route: &Route) -> Diagnostic {
    new(Code::KeyNotForVerb, key(route), "`find` reads page by page already")
        .help("leave out `pages`, or `find` to get all entries")
}

pub fn bad_id(route: &Route, id: &str) -> Diagnostic {
    let found =
        new(Code::BadName, value(route), format!("`{}` cannot be the id of a step", short(id, 40)))
            .help("use letters, digits and `_`, and begin with a letter");
    match id.replace(['-', ' '], "_") {
        plain if plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && plain != id => {
            found.fix(value(route), plain)
        }
        _ => found,
    }
}

pub fn bad_setting_name(route: &Route, name: &str) -> Diagnostic {
    new(Code::BadName, key(route), format!("`{}` cannot be the name of a setting", short(name, 40)))
        .help("use letters, digits and `_`, and begin with a letter")
}

pub fn duplicate_id(route: &Route, id: &str) -> Diagnostic {
    new(Code::DuplicateId, value(route), format!("another step is called `{id}` already"))
        .help("give each step an id of its own")
}

pub fn too_many_steps(route: &Route, count: usize, most: usize) -> Diagnostic {
    new(
        Code::TooManySteps,
        key(route),
        format!("the recipe has {count} steps; {most} is the limit"),
    )
    .help("split it into several recipes")
}

pub fn never_reached(route: &Route) -> Diagnostic {
    new(Code::NeverReached, value(route), "this step is never reached: the one before always stops")
        .help("give the `stop` a `when`")
}

pub fn bad_retry_word(route: &Route, word: &str) -> Diagnostic {
    new(
        Code::UnknownWord,
        value(route),
        format!("`retry` does not know the word `{}`", short(word, 40)),
    )
    .help("write `off`, or times such as { for: 24h, first: 2s, at_most: 15m }")
}

pub fn bad_duration(route: &Route, text: &str) -> Diagnostic {
    new(Code::BadDuration, value(route), format!("`{}` is not a length of time", short(text, 40)))
        .help("write it like 30s, 15m, 2h or 3d; a year at most")
}

// ── Triggers and operations ──

pub fn no_event(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "no event is named")
        .help("name one, such as stax.customer_created")
}

pub fn unknown_event(route: &Route, name: &str, near: Option<String>) -> Diagnostic {
    let help = match name.contains(',') {
        true => format!("several events stand in brackets: [{}]", short(name, 100)),
        false => "see all with `linecook catalog list --events`".to_owned(),
    };
    new(Code::UnknownEvent, value(route), format!("there is no event `{}`", short(name, 60)))
        .help(help)
        .near(near)
}

pub fn wire_name(route: &Route, name: &str, ours: &[String]) -> Diagnostic {
    let found = new(
        Code::WireName,
        value(route),
        format!("`{name}` is what the app itself calls the event"),
    );
    match ours {
        [one] => found.near(Some(one.clone())),
        several => found.help(format!("write one of {}", list(several))),
    }
}

pub fn bridge_event(route: &Route, name: &str, near: Option<&str>) -> Diagnostic {
    let help = match near {
        Some(near) => format!("what Stax itself sends and comes nearest is `{near}`"),
        None => "Stax itself sends nothing like it".to_owned(),
    };
    new(
        Code::BridgeEvent,
        value(route),
        format!("`{name}` is not sent by an app by itself: Zapier's Webhooks or another tool has to post it"),
    )
    .help(help)
}

pub fn unknown_operation(route: &Route, name: &str, near: Option<String>) -> Diagnostic {
    let found = new(
        Code::UnknownOperation,
        value(route),
        format!("there is no operation `{}`", short(name, 80)),
    )
    .help("see all with `linecook catalog list`, or look for a word with `--search`");
    found.near(near)
}

pub fn ambiguous_operation(route: &Route, name: &str, names: &[String]) -> Diagnostic {
    new(
        Code::AmbiguousOperation,
        value(route),
        format!("`{name}` could be one of several operations"),
    )
    .help(format!("write the long name: {}", list(names)))
}

pub fn unsupported_operation(route: &Route, call: &str, why: &str) -> Diagnostic {
    new(Code::UnsupportedOperation, value(route), format!("a recipe cannot use `{call}`")).help(why)
}

pub fn deprecated_operation(route: &Route, call: &str, instead: &str) -> Diagnostic {
    new(
        Code::DeprecatedOperation,
        value(route),
        format!("`{call}` still works, and is on its way out"),
    )
    .help(instead)
}

pub fn unprotected_operation(route: &Route, call: &str) -> Diagnostic {
    new(
        Code::UnprotectedOperation,
        value(route),
        format!("when the connection breaks during `{call}`, nobody can tell whether it happened"),
    )
    .help("it is never sent twice by itself: the run is held until a person has looked")
}

pub fn list_without_find(route: &Route, call: &str) -> Diagnostic {
    new(Code::ListWithoutFind, value(route), format!("`{call}` gives one page only"))
        .help("add `find: { … }` to look for one entry, or `pages: all` to read everything")
}

pub fn find_needs_list(route: &Route, call: &str) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    new(
        Code::FindNeedsList,
        key(route),
        format!("`{name}` needs an operation that gives a list, and `{call}` does not"),
    )
    .help("call the operation that lists such records")
}

pub fn cannot_look_up(route: &Route, call: &str) -> Diagnostic {
    new(
        Code::CannotLookUp,
        key(route),
        format!("nothing is known that would find what `{call}` makes"),
    )
    .help("look first with a list call and `find`, and make this step depend on it with `when`")
}

// ── Fields ──

pub fn missing_field(
    step: &Route,
    has_with: bool,
    call: &str,
    name: &str,
    about: &str,
) -> Diagnostic {
    let place = if has_with { key(&step.key("with")) } else { value(&step.key("call")) };
    let what = if about.is_empty() { String::new() } else { format!(" ({about})") };
    let found = new(Code::MissingField, place, format!("`{name}` is missing: `{call}` needs it"));
    match has_with {
        true => found.help(format!("add `{name}:`{what}")),
        false => found.help(format!("add `with:` and in it `{name}:`{what}")),
    }
}

pub fn missing_inner_field(route: &Route, name: &str) -> Diagnostic {
    new(Code::MissingField, key(route), format!("`{name}` is missing here"))
        .help(format!("add `{name}:`"))
}

pub fn missing_body_list(step: &Route) -> Diagnostic {
    new(
        Code::MissingField,
        key(&step.key("with")),
        "`body` is missing: this operation takes a list",
    )
    .help("add `body: […]`")
}

pub fn missing_one_of(step: &Route, names: &[String]) -> Diagnostic {
    new(Code::MissingField, key(&step.key("with")), format!("one of {} is needed", list(names)))
        .help("add at least one of them")
}

pub fn unknown_field(route: &Route, name: &str, call: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownField, key(route), format!("`{call}` has no field `{}`", short(name, 60)))
        .help(format!("see its fields with `linecook catalog show \"{call}\"`"))
        .near(near)
}

pub fn unknown_inner_field(
    route: &Route,
    name: &str,
    holder: &str,
    near: Option<String>,
) -> Diagnostic {
    new(Code::UnknownField, key(route), format!("`{holder}` has no field `{}`", short(name, 60)))
        .help("leave it out")
        .near(near)
}

/// A condition of `find` or `unless_exists` on a field that such records do not have.
pub fn unknown_record_field(
    route: &Route,
    name: &str,
    known: &[&str],
    near: Option<String>,
) -> Diagnostic {
    let few: Vec<&str> = known.iter().copied().take(12).collect();
    let more = if known.len() > few.len() { " and more" } else { "" };
    new(
        Code::UnknownField,
        key(route),
        format!("the records it looks through have no field `{}`", short(name, 60)),
    )
    .help(format!("they have {}{more}", list(&few)))
    .near(near)
}

pub fn unknown_tag_change(route: &Route, name: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownField, key(route), format!("`tags` can `add` and `remove`, and not `{name}`"))
        .help("write tags: { add: […], remove: […] }")
        .near(near)
}

pub fn ambiguous_field(route: &Route, name: &str, first: &str, second: &str) -> Diagnostic {
    new(
        Code::AmbiguousField,
        key(route),
        format!("`{name}` is a field of the {first} and of the {second}"),
    )
    .help(format!("write `{first}.{name}` or `{second}.{name}`"))
}

pub fn refused_field(route: &Route, name: &str, instead: &str) -> Diagnostic {
    new(Code::RefusedField, key(route), format!("the app refuses `{name}` here")).help(instead)
}

pub fn wrong_type(route: &Route, name: &str, wanted: Kind, gets: Kind, whole: bool) -> Diagnostic {
    let message = format!("`{name}` wants {}, and gets {}", wanted.in_words(), gets.in_words());
    let help = match (wanted, gets) {
        (Kind::String, Kind::List) => "join the list with `| join(', ')`".to_owned(),
        (Kind::String, Kind::Object) => "name the field inside it".to_owned(),
        (Kind::String, _) => "turn it into a text with `| text`".to_owned(),
        (Kind::List, _) => "put it in brackets: [ … ]".to_owned(),
        _ if gets == Kind::Moment => "shift a date with a filter: now() | add_days(2)".to_owned(),
        (_, Kind::String) if !whole => {
            "a text around `{{ … }}` makes it a text: leave only the braces".to_owned()
        }
        (Kind::Boolean, _) => "write true or false, or compare: {{ x == 'yes' }}".to_owned(),
        _ => format!("give it {}", wanted.in_words()),
    };
    new(Code::WrongType, value(route), message).help(help)
}

pub fn literal_type(route: &Route, name: &str, error: &ValueError) -> Diagnostic {
    new(Code::WrongType, value(route), format!("`{name}` {}", error.problem)).help(&error.instead)
}

pub fn wrong_option(
    route: &Route,
    name: &str,
    error: &ValueError,
    near: Option<String>,
) -> Diagnostic {
    new(Code::WrongOption, value(route), format!("`{name}` {}", error.problem))
        .help(&error.instead)
        .near(near)
}

pub fn wrong_form(route: &Route, name: &str, error: &ValueError) -> Diagnostic {
    new(Code::WrongForm, value(route), format!("`{name}` {}", error.problem)).help(&error.instead)
}

pub fn null_literal(route: &Route, name: &str, written: &str) -> Diagnostic {
    let message = match written {
        "" => format!("nothing stands behind `{name}`"),
        word => format!("YAML reads `{}` as nothing", short(word, 20)),
    };
    new(Code::CannotBeBlanked, key(route), message).help(format!(
        "leave it out, or write `{name}: \"{{{{ clear }}}}\"` to blank it in the app"
    ))
}

pub fn cannot_be_blanked(route: &Route, name: &str) -> Diagnostic {
    new(Code::CannotBeBlanked, value(route), format!("the app does not let `{name}` be blanked"))
        .help("use `omit` instead of `clear` to leave it as it is")
}

pub fn bad_path_value(route: &Route, name: &str, why: &str) -> Diagnostic {
    new(Code::EmptyPathValue, value(route), format!("`{name}` is a part of the address, and {why}"))
        .help("write the id as the app gives it")
}

pub fn replaces_tags(route: &Route, call: &str) -> Diagnostic {
    new(Code::ReplacesTags, value(route), format!("a full list of tags in `{call}` wipes all other tags of the contact"))
        .help("write tags: { add: […] }, or add `replace_tags: true` to the step if that is what you want")
}

pub fn may_be_empty_required(route: &Route, name: &str, written: &str) -> Diagnostic {
    let written = short(written.trim(), 60);
    new(
        Code::MayBeEmpty,
        value(route),
        format!("`{name}` has to be there, and `{written}` is only sometimes filled"),
    )
    .help("say what to write then with `| default('…')`, or skip the step with `when`")
}

pub fn may_be_empty_in_text(place: Place, written: &str) -> Diagnostic {
    new(
        Code::MayBeEmpty,
        place,
        format!(
            "`{}` is only sometimes filled, and stands inside a text",
            short(written.trim(), 60)
        ),
    )
    .help("the step fails when it is empty: say what to write then with `| default('…')`")
}

pub fn empty_in_calculation(place: Place, written: &str, is_text: bool) -> Diagnostic {
    let written = short(written, 60);
    let message = format!("`{written}` is only sometimes filled, and is calculated with");
    new(Code::MayBeEmpty, place, message).help(match is_text {
        true => "say what to write then: `| default('')`",
        false => "say what to count with then: `| default(0)`",
    })
}

/// `now() + 2`
pub fn calculated_moment(place: Place) -> Diagnostic {
    new(Code::FilterInput, place, "a date cannot be calculated with `+` and `-`")
        .help("shift it with a filter: now() | add_days(2)")
}

/// `steps.new-contact.id`: YAML allows it, an expression reads a minus.
pub fn dash_in_name(place: Place, written: &str) -> Diagnostic {
    let plain = written.replace('-', "_");
    let shown = short(written, 60);
    let message = format!("a name has no dash: `{shown}` would be a subtraction");
    new(Code::UnknownName, place, message)
        .help("use `_` in ids and names of settings")
        .near(Some(plain))
}

/// A whole step, event or list where a text belongs.
pub fn whole_thing(route: &Route, name: &str, kind: Kind) -> Diagnostic {
    let message = format!("`{name}` wants one value, and gets {}", kind.in_words());
    new(Code::WrongType, value(route), message)
        .help("name the field inside it, such as `.contact_id`")
}

// ── Templates ──

pub fn bad_template(
    route: &Route,
    written: &str,
    message: &str,
    range: Option<Span>,
) -> Diagnostic {
    let open = written.matches("{{").count() > written.matches("}}").count();
    let place = match range {
        _ if open => {
            let at = written.rfind("{{").unwrap_or(0);
            Place::Inside(route.clone(), at..at + 2)
        }
        Some(range) if range.start < written.len() => Place::Inside(route.clone(), range),
        _ => value(route),
    };
    let message = plain_template(message, open);
    let help = if open {
        "close the braces with `}}`"
    } else if written.contains("{%") && !written.contains("%}") {
        "close the braces with `%}`"
    } else if let Some(word) = foreign_operator(written) {
        word
    } else if message.contains("nothing between") || written.contains("{{}}") {
        "write what should stand here, such as {{ event.email }}"
    } else {
        "names, dots, filters behind `|`, texts in 'quotes': {{ event.email | lower }}"
    };
    new(Code::BadTemplate, place, format!("the template cannot be read: {message}")).help(help)
}

/// What the template engine says, for people who do not know its words.
fn plain_template(message: &str, open: bool) -> String {
    let has = |part: &str| message.contains(part);
    if open {
        "the braces are opened and not closed".into()
    } else if has("unexpected end of") {
        "something is missing at the end".into()
    } else if has("unexpected input after expression") || has("expected end of variable block") {
        "something stands here that does not belong".into()
    } else if has("unexpected character") {
        "this character has no meaning here".into()
    } else if has("unexpected end of variable block") || has("nothing between") {
        "there is nothing between the braces".into()
    } else if has("recursion limit") {
        "the brackets are nested too deep".into()
    } else {
        message.to_owned()
    }
}

/// Words of programming languages for what templates call otherwise.
fn foreign_operator(written: &str) -> Option<&'static str> {
    let has = |part: &str| written.contains(part);
    Some(if has("&&") || has(" AND ") {
        "write `and` for both"
    } else if has("||") || has(" OR ") {
        "write `or` for one of the two"
    } else if has("NOT ") || (has("!") && !has("!=")) {
        "write `not` in front of it"
    } else if has(" = ") {
        "write `==` to compare"
    } else if has("’") || has("‘") || has("“") || has("”") {
        "use straight quotes: 'text'"
    } else {
        return None;
    })
}

pub fn space_around_template(route: &Route, trimmed: &str, lines: bool) -> Diagnostic {
    let found =
        new(Code::SpaceAroundTemplate, value(route), "the spaces around the braces make it a text");
    if lines {
        return found.help(format!("write it on the line of its key: \"{trimmed}\""));
    }
    found
        .help("leave them out, so that the value keeps its type")
        .fix(value(route), format!("\"{trimmed}\""))
}

pub fn unknown_name(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    let truth = match name {
        "yes" | "on" | "True" => Some("true"),
        "no" | "off" | "False" => Some("false"),
        "null" | "None" | "nil" | "undefined" => {
            return new(Code::UnknownName, place, format!("nobody knows `{name}`"))
                .help("ask `is empty` or `is defined`; to blank a field write `clear`");
        }
        _ => None,
    };
    let near = truth.map(str::to_owned).or(near);
    new(Code::UnknownName, place, format!("nobody knows `{name}`"))
        .help("a template sees `event`, `trigger`, `settings`, `run`, `steps`, in a loop `item` and `item_index`, and `now()`; a text needs 'quotes'")
        .near(near)
}

pub fn now_without_brackets(place: Place) -> Diagnostic {
    new(Code::UnknownName, place, "`now` needs brackets").near(Some("now()".to_owned()))
}

pub fn now_with_arguments(place: Place) -> Diagnostic {
    new(Code::FilterArgument, place, "`now()` takes nothing in its brackets")
        .help("shift it with a filter: now() | add_days(2)")
}

pub fn item_outside_loop(place: Place, name: &str) -> Diagnostic {
    new(Code::ItemOutsideLoop, place, format!("`{name}` is only there in a loop"))
        .help("add `for_each:` to the step")
}

pub fn unknown_event_field(
    place: Place,
    event: &str,
    name: &str,
    near: Option<String>,
) -> Diagnostic {
    last_part(
        new(Code::UnknownEventField, place, format!("`{event}` has no field `{name}`"))
            .help(format!("see its fields with `linecook catalog show {event}`; declare your own under `trigger.fields`")),
        near,
    )
}

pub fn unknown_setting(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    last_part(
        new(Code::UnknownSetting, place, format!("the recipe has no setting `{name}`"))
            .help("declare it under `settings`"),
        near,
    )
}

pub fn unknown_step(place: Place, id: &str, near: Option<String>) -> Diagnostic {
    last_part(
        new(Code::UnknownStep, place, format!("no step is called `{id}`"))
            .help("give the step that is meant an `id`"),
        near,
    )
}

pub fn own_step(place: Place, id: &str) -> Diagnostic {
    new(Code::LaterStep, place, format!("the step `{id}` cannot read its own results"))
        .help("read them in a step behind it")
}

pub fn later_step(place: Place, id: &str) -> Diagnostic {
    new(Code::LaterStep, place, format!("the step `{id}` comes later"))
        .help("move this step behind it")
}

pub fn unknown_result(
    place: Place,
    step: &str,
    name: &str,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    last_part(
        new(Code::UnknownResult, place, format!("the step `{step}` has no result `{name}`"))
            .help(format!("it has {}; more can be taken from the answer with `save`", list(known))),
        near,
    )
}

pub fn no_such_field(
    place: Place,
    holder: &str,
    kind: Kind,
    name: &str,
    near: Option<String>,
) -> Diagnostic {
    let found = new(Code::NoSuchField, place, format!("`{holder}` has no field `{name}`"));
    let found = match kind {
        Kind::List => found.help(format!(
            "it is a list: take one entry with `{holder}[0]`, or all with `| map('{name}')`"
        )),
        Kind::Object | Kind::Any => found.help("see what is there with `linecook catalog show`"),
        other => found.help(format!("it is {}, without fields", other.in_words())),
    };
    last_part(found, near)
}

/// A name behind a dot: only the name is corrected, not the dot.
fn last_part(mut found: Diagnostic, near: Option<String>) -> Diagnostic {
    if let Some(near) = near {
        found.help = Some(format!("did you mean `{near}`?"));
        found.fix = Some(Fix { place: found.place.clone(), text: near });
    }
    found
}

pub fn not_a_list(route: &Route, kind: Kind) -> Diagnostic {
    new(
        Code::NotAList,
        value(route),
        format!("`for_each` goes over a list, and this is {}", kind.in_words()),
    )
    .help("name a list, or write one: [a, b]")
}

pub fn unknown_filter(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    last_part(
        new(Code::UnknownFilter, place, format!("there is no filter `{name}`"))
            .help("all filters are listed in docs/language.md"),
        near,
    )
}

pub fn filter_input(
    place: Place,
    filter: &str,
    takes: &str,
    gets: Kind,
    example: &str,
) -> Diagnostic {
    new(
        Code::FilterInput,
        place,
        format!("`{filter}` works on {takes}, and gets {}", gets.in_words()),
    )
    .help(format!("it is used like this: {example}"))
}

pub fn bad_literal_argument(place: Place, written: &str, error: &ValueError) -> Diagnostic {
    let message = format!("`{}` {}", short(written, 40), error.problem);
    new(Code::FilterArgument, place, message).help(&error.instead)
}

pub fn named_argument(place: Place, filter: &str, name: &str, example: &str) -> Diagnostic {
    new(Code::FilterArgument, place, format!("`{filter}` takes no named argument `{name}`"))
        .help(format!("it is used like this: {example}"))
}

pub fn argument_count(place: Place, filter: &str, most: usize, example: &str) -> Diagnostic {
    let message = match most {
        0 => format!("`{filter}` takes nothing in brackets"),
        1 => format!("`{filter}` takes one thing in brackets"),
        most => format!("`{filter}` takes up to {most} things in brackets"),
    };
    new(Code::FilterArgument, place, message).help(format!("it is used like this: {example}"))
}

pub fn argument_kind(
    place: Place,
    filter: &str,
    argument: &str,
    wanted: Kind,
    gets: Kind,
) -> Diagnostic {
    let message = format!(
        "`{filter}`: {argument} is {}, and here stands {}",
        wanted.in_words(),
        gets.in_words()
    );
    let help = match wanted {
        Kind::String => "put texts in 'quotes'".to_owned(),
        _ => format!("write {}", wanted.in_words()),
    };
    new(Code::FilterArgument, place, message).help(help)
}

/// `trigger.event == '…'` with an event that does not start the recipe.
pub fn not_an_event_of_this(
    place: Place,
    name: &str,
    events: &[String],
    near: Option<String>,
) -> Diagnostic {
    new(Code::UnknownEvent, place, format!("`{}` does not start this recipe", short(name, 60)))
        .help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is started by {}", list(events)),
        })
}

pub fn never_equal(place: Place, left: Kind, right: Kind) -> Diagnostic {
    let message =
        format!("this never holds: {} is never the same as {}", left.in_words(), right.in_words());
    let help = match (left, right) {
        (Kind::Boolean, _) | (_, Kind::Boolean) => {
            "leave the comparison out: the name alone is true or false"
        }
        (Kind::String, _) | (_, Kind::String) => {
            "compare texts with texts in 'quotes', numbers with numbers"
        }
        _ => "compare things of one kind",
    };
    new(Code::NeverEqual, place, message).help(help)
}

pub fn never_that_word(
    place: Place,
    word: &str,
    words: &[String],
    near: Option<String>,
) -> Diagnostic {
    new(Code::NeverEqual, place, format!("this never holds: it is never `{}`", short(word, 40)))
        .help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", list(words)),
        })
}

pub fn format_without_percent(place: Place, format: &str) -> Diagnostic {
    new(
        Code::FilterArgument,
        place,
        format!(
            "the format `{}` has no `%` in it: it would be written as it is",
            short(format, 40)
        ),
    )
    .help(
        "%-d is the day, %m the month, %B its name, %Y the year, %H:%M the time: date('%d.%m.%Y')",
    )
}

/// A value that reads like a template and is none.
pub fn looks_like_template(route: &Route, inner: &str) -> Diagnostic {
    new(
        Code::LooksLikeTemplate,
        value(route),
        format!("without `{{{{ }}}}` this is sent as the text `{}`", short(inner, 60)),
    )
    .help("put it in double braces and quotes")
    .fix(value(route), format!("\"{{{{ {inner} }}}}\""))
}

pub fn unknown_test(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownTest, place, format!("`is {name}` asks something that nobody knows")).help(
        match near {
            Some(near) => format!("did you mean `is {near}`?"),
            None => {
                "compare with ==, or ask `is empty`, `is defined`, `is containing('…')`".to_owned()
            }
        },
    )
}

pub fn unknown_function(place: Place, name: &str, is_filter: bool) -> Diagnostic {
    let help = match is_filter {
        true => format!(
            "`{name}` is a filter: write it behind the value, as in {{{{ event.email | {name} }}}}"
        ),
        false => "the only function is `now()`; everything else is a filter behind `|`".to_owned(),
    };
    new(Code::UnknownFunction, place, format!("there is no function `{name}`")).help(help)
}

pub fn method_call(place: Place, method: &str, filter: Option<String>) -> Diagnostic {
    let help = match filter {
        Some(filter) => format!("write it as a filter: `| {filter}`"),
        None => "use a filter behind `|`".to_owned(),
    };
    new(Code::UnknownFunction, place, format!("values have no function `.{method}()`")).help(help)
}

pub fn bad_json_path(route: &Route, path: &str, why: &str) -> Diagnostic {
    let help = match path.starts_with('$') {
        true => "write it like $.contact.id, or $.items[0].id in quotes",
        false => "a JSONPath begins with `$`, as in $.contact.id",
    };
    let place = value(route);
    let found = new(
        Code::BadJsonPath,
        place.clone(),
        format!("`{}` is not a JSONPath: {}", short(path, 60), why),
    );
    match path.starts_with(|c: char| c.is_alphabetic()) {
        true => found.help(help).fix(place, format!("$.{path}")),
        false => found.help(help),
    }
}

pub fn saved_name_taken(route: &Route, name: &str) -> Diagnostic {
    new(Code::BadName, key(route), format!("`{name}` is a result that every such step has already"))
        .help("save it under another name")
}

// ── Settings and examples ──

pub fn setting_default(route: &Route, name: &str, error: &ValueError) -> Diagnostic {
    let colon = if error.problem.starts_with('`') { ":" } else { "" };
    let message = format!("the setting `{name}`{colon} {}", error.problem);
    new(Code::SettingDefault, value(route), message).help(&error.instead)
}

pub fn unused_setting(route: &Route, name: &str) -> Diagnostic {
    new(
        Code::UnusedSetting,
        key(route),
        format!("the setting `{name}` is asked for and never used"),
    )
    .help(format!("use it as {{{{ settings.{name} }}}}, or leave it out"))
}

pub fn example_event(route: &Route, file: &str, why: &str) -> Diagnostic {
    new(Code::ExampleEvent, value(route), format!("the event file `{file}` cannot be used: {why}"))
        .help("name a JSON file, counted from the folder of the recipe")
}

pub fn example_shape(route: &Route, event: &str, inner: &Route, error: &ValueError) -> Diagnostic {
    let at = inner.pointer().trim_start_matches('/').replace('/', ".");
    let what =
        if at.is_empty() { error.problem.clone() } else { format!("`{at}` {}", error.problem) };
    new(Code::ExampleEventShape, value(route), format!("`{event}` looks different: {what}"))
        .help(format!("compare it with `linecook catalog show {event}`"))
}

pub fn example_on(route: &Route, name: &str, names: &[String]) -> Diagnostic {
    let near = nearest(name, names.iter().map(String::as_str));
    new(Code::ExampleNeedsOn, value(route), format!("`{name}` does not start this recipe"))
        .help(format!("write one of {}", list(names)))
        .near(near)
}

pub fn example_needs_on(route: &Route, names: &[String]) -> Diagnostic {
    new(
        Code::ExampleNeedsOn,
        value(route),
        "the recipe has several events: which one is this example about?",
    )
    .help(format!("add `on:` with one of {}", list(names)))
}

pub fn example_time(route: &Route, text: &str) -> Diagnostic {
    new(Code::ExampleTime, value(route), format!("`{}` is not a point in time", short(text, 40)))
        .help("write it like 2026-03-02T10:00:00Z")
}

pub fn example_field(route: &Route, event: &str, name: &str, near: &str) -> Diagnostic {
    new(Code::ExampleEventShape, key(route), format!("`{event}` has no field `{name}`"))
        .help(format!("did you mean `{near}`?"))
}

pub fn example_record(route: &Route, kind: &str, near: Option<String>) -> Diagnostic {
    new(
        Code::ExampleRecord,
        key(route),
        format!("`{}` names no app and kind of record", short(kind, 40)),
    )
    .help("write it like highlevel.contact or stax.customer")
    .near(near)
}

// ── Runs ──

/// A step that failed for good, at its line.
pub fn step_failed(route: &Route, message: &str, instead: &str) -> Diagnostic {
    new(Code::StepFailed, value(route), message).help(instead)
}

/// A call that nobody can tell the end of, at its line.
pub fn held(route: &Route, message: &str, instead: &str) -> Diagnostic {
    new(Code::MayHaveHappened, value(route), message).help(instead)
}

fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
