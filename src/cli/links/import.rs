//! `linecook links import`: many links at once, from a table or from lines of JSON.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::change::ask_for;
use super::record::{accounts, kind};
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::journal::{Link, LinkChange};
use crate::recipe::written_link;
use crate::report::plural;

/// The largest file, in bytes, and the most links of one.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
const MAX_LINKS: usize = 100_000;
/// How many bad lines are shown.
const SHOWN: usize = 20;

#[derive(clap::Args)]
pub struct Args {
    /// A CSV file whose first line names two kinds (stax.customer,highlevel.contact) and perhaps `as`, or a
    /// file with one { "stax.customer": "…", "highlevel.contact": "…" } on each line; `-` for standard input
    file: PathBuf,
    /// In which account the records are, where linecook.yaml has several of an app
    #[arg(long = "connection", value_name = "APP=NAME")]
    connection: Vec<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let text = read(&args.file)?;
    let links = match links(&text) {
        Ok(links) => links,
        Err(wrong) => {
            let name = args.file.display();
            for (line, why) in wrong.iter().take(SHOWN) {
                print::talk(CommandError::problem(format_args!("{name}:{line}: {why}")));
            }
            if wrong.len() > SHOWN {
                print::talk(format_args!("and {} more", plural(wrong.len() - SHOWN, "line")));
            }
            print::talk(format_args!(
                "{} cannot be read, so nothing was linked",
                plural(wrong.len(), "line")
            ));
            return Ok(Exit::Problems);
        }
    };
    if links.is_empty() {
        print::line("there is no link in the file, so there is nothing to do");
        return Ok(Exit::Good);
    }
    runtime()?.block_on(async {
        let place = args.store.place()?;
        let mut kinds: Vec<&str> = links
            .iter()
            .flat_map(|link| &link.records)
            .map(|record| record.kind.as_str())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let accounts = accounts(&place, &args.connection, kinds)?;
        let changes = links.iter().cloned().map(LinkChange::Link).collect();
        let asked = ask_for(&place, changes, accounts).await?;
        asked.print(&[args.file.display().to_string()], None, args.format)
    })
}

fn read(file: &Path) -> Result<String> {
    let wrong = |why: &str| {
        CommandError::usage(
            format!("{} cannot be read: {why}", file.display()),
            "name a CSV file or a file with lines of JSON",
        )
    };
    let bytes = match file == Path::new("-") {
        true => {
            let mut bytes = Vec::new();
            let mut input = std::io::Read::take(std::io::stdin(), MAX_BYTES + 1);
            std::io::Read::read_to_end(&mut input, &mut bytes).map(|_| bytes)
        }
        false => match std::fs::metadata(file) {
            Ok(facts) if facts.len() > MAX_BYTES => Ok(vec![0; MAX_BYTES as usize + 1]),
            _ => std::fs::read(file),
        },
    };
    let bytes = bytes.map_err(|e| wrong(&e.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong(&format!("it has more than {} MB", MAX_BYTES / 1024 / 1024)));
    }
    String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text"))
}

type Wrong = Vec<(usize, String)>;

/// The links of a file, or every line that is none.
fn links(text: &str) -> std::result::Result<Vec<Link>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rows = match text.trim_start().starts_with('{') {
        true => json_lines(text),
        false => table(text),
    }?;
    let (mut links, mut wrong) = (Vec::new(), Wrong::new());
    for (line, row) in rows {
        match row.and_then(|row| link(&row)) {
            Ok(link) => links.push(link),
            Err(why) => wrong.push((line, why)),
        }
    }
    if links.len() > MAX_LINKS {
        wrong.push((1, format!("there are more than {MAX_LINKS} links; split the file")));
    }
    if wrong.is_empty() { Ok(links) } else { Err(wrong) }
}

fn link(row: &Map<String, Value>) -> std::result::Result<Link, String> {
    for name in row.keys().filter(|name| *name != "as") {
        kind(name)?;
    }
    let kinds = row.keys().filter(|name| *name != "as").count();
    if kinds != 2 {
        return Err(format!("a link names two kinds of record, and here are {kinds}"));
    }
    match written_link(row) {
        Some(([one, other], name)) => Ok(Link::new(one, other, name)),
        None => {
            let blank = |value: &Value| value.as_str().is_none_or(|text| text.trim().is_empty());
            let empty = row.iter().find(|(_, value)| blank(value) && !value.is_number());
            let name = empty.map_or("id", |(name, _)| name.as_str());
            Err(format!("`{name}` is empty, or neither a text nor a number"))
        }
    }
}

type Rows = Vec<(usize, std::result::Result<Map<String, Value>, String>)>;

fn json_lines(text: &str) -> std::result::Result<Rows, Wrong> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row = |(at, line): (usize, &str)| {
        let row = match serde_json::from_str(line) {
            Ok(Value::Object(row)) => Ok(row),
            Ok(_) => Err("this is no object; write { \"stax.customer\": \"…\", … }".to_owned()),
            Err(error) => Err(format!("this is not JSON: {error}")),
        };
        (at + 1, row)
    };
    Ok(lines.map(row).collect())
}

/// A table: the first line names the columns. Excel writes it with semicolons in some countries.
fn table(text: &str) -> std::result::Result<Rows, Wrong> {
    let first = text.lines().next().unwrap_or_default();
    let separator = [',', ';', '\t'].into_iter().find(|c| first.contains(*c)).unwrap_or(',');
    let mut records = cells(text, separator)?.into_iter();
    let Some((line, head)) = records.next() else { return Ok(Rows::new()) };
    let head: Vec<String> = head.iter().map(|name| name.trim().to_owned()).collect();
    let unknown = head.iter().filter(|name| *name != "as").find_map(|name| kind(name).err());
    let kinds = head.iter().filter(|name| *name != "as").count();
    if let Some(why) = unknown {
        return Err(vec![(line, format!("the first line names the columns: {why}"))]);
    }
    if kinds != 2 {
        let why = "the first line has to name two kinds, such as stax.customer,highlevel.contact";
        return Err(vec![(line, why.to_owned())]);
    }
    let row = |(line, cells): (usize, Vec<String>)| {
        if cells.len() != head.len() {
            let why =
                format!("here are {} columns; the first line names {}", cells.len(), head.len());
            return (line, Err(why));
        }
        let named = head.iter().cloned().zip(cells);
        // A table has a cell for `as` in every line; an empty one is the usual link.
        let named = named.filter(|(name, cell)| name != "as" || !cell.trim().is_empty());
        (line, Ok(named.map(|(name, cell)| (name, Value::from(cell))).collect()))
    };
    Ok(records.map(row).collect())
}

/// The cells of each record, with the line on which it begins. Cells may stand in double quotes.
fn cells(text: &str, separator: char) -> std::result::Result<Vec<(usize, Vec<String>)>, Wrong> {
    let mut records = Vec::new();
    let (mut record, mut cell) = (Vec::new(), String::new());
    let (mut line, mut began, mut quoted) = (1, 1, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\n' {
            line += 1;
        }
        match (quoted, c) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            (true, '"') => quoted = false,
            (true, c) => cell.push(c),
            (false, '"') if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            (false, '\n') => {
                record.push(std::mem::take(&mut cell));
                let whole: Vec<String> = std::mem::take(&mut record);
                if whole.iter().any(|cell| !cell.trim().is_empty()) {
                    records.push((began, whole));
                }
                began = line;
            }
            (false, '\r') => {}
            (false, c) if c == separator => record.push(std::mem::take(&mut cell)),
            (false, c) => cell.push(c),
        }
    }
    if quoted {
        return Err(vec![(began, "a quote is opened and not closed".to_owned())]);
    }
    record.push(cell);
    if record.iter().any(|cell| !cell.trim().is_empty()) {
        records.push((began, record));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        match links(text) {
            Ok(links) => links.iter().map(Link::to_string).collect(),
            Err(wrong) => wrong.into_iter().map(|(line, why)| format!("{line}: {why}")).collect(),
        }
    }

    #[test]
    fn tables_and_lines_of_json_are_read() {
        let expected = [
            "stax.customer c1 with highlevel.contact k1",
            "stax.customer c2 with highlevel.contact k,2 as billing",
        ];
        for text in [
            "stax.customer,highlevel.contact,as\nc1,k1,\nc2,\"k,2\",billing\n",
            "\u{feff}highlevel.contact;stax.customer;as\r\nk1;c1;\r\n\r\n\"k,2\";c2;billing",
            "{\"stax.customer\":\"c1\",\"highlevel.contact\":\"k1\"}\n\n\
             {\"highlevel.contact\":\"k,2\",\"stax.customer\":\"c2\",\"as\":\"billing\"}",
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
        assert_eq!(said("stax.customer,highlevel.contact\n"), Vec::<String>::new());
        let number = "{\"stax.item\": 7, \"highlevel.contact\": \"k\"}";
        assert_eq!(said(number), ["stax.item 7 with highlevel.contact k"]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "stax.customer,highlevel.contact\nc1\nc2,\nc3,k3\n";
        assert_eq!(
            said(text),
            [
                "2: here are 1 columns; the first line names 2",
                "3: `highlevel.contact` is empty, or neither a text nor a number",
            ]
        );
        let first = said("customer,contact\nc1,k1\n");
        assert!(first[0].starts_with("1: the first line names the columns: `customer` is no kind"));
        let json = said("{\"stax.customer\":\"c1\"}\n{nonsense\n[1]\n");
        assert_eq!(json[0], "1: a link names two kinds of record, and here are 1");
        assert!(json[1].starts_with("2: this is not JSON"), "{json:?}");
        assert!(json[2].starts_with("3: this is no object"), "{json:?}");
        assert_eq!(
            said("stax.customer,highlevel.contact\n\"c1,k1\n"),
            ["2: a quote is opened and not closed"]
        );
    }
}
