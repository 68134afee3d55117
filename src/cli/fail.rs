//! `--fail` of the sandbox: `POST /contacts/ 503 2x` comes in; the failure that is meant goes out.

use super::exit::{CommandError, Result};
use crate::catalog::Catalog;
use crate::recipe::{Failure, Fault};
use crate::sandbox::check_failure;

const EXAMPLE: &str = "write it like --fail 'POST /contacts/ 503 2x'";

/// Reads one failure: the call; a status, `timeout`, `disconnect` or `garbage`; whether it is done all the
/// same; how many times.
pub fn failure(catalog: &Catalog, written: &str) -> Result<Failure> {
    let mut words: Vec<&str> = written.split_whitespace().collect();
    let call_words = match words.first() {
        Some(first) if first.contains('.') => 1,
        _ => 2,
    };
    if words.len() <= call_words {
        let what = match words.len() {
            0 => "`--fail` does not say which call".to_owned(),
            _ => format!("`{written}` does not say what goes wrong"),
        };
        return Err(CommandError::usage(what, EXAMPLE));
    }
    let rest = words.split_off(call_words);
    let mut failure = Failure { call: words.join(" "), ..Failure::default() };
    let mut rest = rest.into_iter();
    while let Some(word) = rest.next() {
        let times = word.strip_suffix('x').and_then(|n| n.parse::<u32>().ok());
        match (word, times) {
            ("timeout", _) => failure.fault = Some(Fault::Timeout),
            ("disconnect", _) => failure.fault = Some(Fault::Disconnect),
            ("garbage", _) => failure.fault = Some(Fault::Garbage),
            ("but", _) => {}
            ("done", _) => failure.done = Some(true),
            ("not", _) if rest.next() == Some("done") => failure.done = Some(false),
            (_, Some(times)) => failure.times = Some(times),
            _ => match word.parse() {
                Ok(status) => failure.status = Some(status),
                Err(_) => {
                    let what = format!("in `--fail '{written}'` nobody understands `{word}`");
                    return Err(CommandError::usage(what, EXAMPLE));
                }
            },
        }
    }
    if failure.status.is_none() && failure.fault.is_none() {
        let what = format!("`--fail '{written}'` does not say what goes wrong");
        return Err(CommandError::usage(what, EXAMPLE));
    }
    check_failure(catalog, &failure).map_err(|(error, help)| {
        CommandError::usage(format!("in `--fail '{written}'` {error}"), help)
    })?;
    Ok(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Failure {
        failure(Catalog::embedded(), written).unwrap_or_else(|e| panic!("{written}: {}", e.plain()))
    }

    #[test]
    fn failures_are_written_as_people_say_them() {
        let failure = read("POST /contacts/ 503 2x");
        assert_eq!((failure.status, failure.times, failure.done), (Some(503), Some(2), None));
        assert_eq!(failure.call, "POST /contacts/");
        let failure = read("stax.create-customer 422 but done");
        assert_eq!((failure.status, failure.times, failure.done), (Some(422), None, Some(true)));
        let failure = read("POST /customer timeout not done 1x");
        assert_eq!((failure.fault, failure.done), (Some(Fault::Timeout), Some(false)));
        let failure = read("POST /customer garbage 502");
        assert_eq!((failure.fault, failure.status), (Some(Fault::Garbage), Some(502)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (written, error) in [
            ("", "which call"),
            ("POST /contacts/", "what goes wrong"),
            ("POST /contacts/ 2x", "what goes wrong"),
            ("POST /contacts/ slowly", "`slowly`"),
            ("POST /contacts/ not now", "`not`"),
            ("POST /contact/ 503", "no app has the operation"),
            ("POST /contacts/ 99", "`status`"),
            ("POST /contacts/ 503 0x", "`times`"),
        ] {
            let found = failure(Catalog::embedded(), written).unwrap_err().plain();
            assert!(found.contains(error), "{written}: {found}");
        }
    }
}
