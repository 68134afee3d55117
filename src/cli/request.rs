//! What people ask of runs and events: a running service does it, else this command.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::exit::{CommandError, Exit, Result};
use super::installed::installed;
use super::options::Format;
use super::print;
use super::store::StorePlace;
use crate::server::{ActError, Installed, act};
use crate::store::{Options, RequestAnswer, RequestBody, Store, StoreError, StoreErrorKind};

/// How long to wait for the next answer of the service.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What became of requests.
pub struct Asked {
    /// A running service was asked.
    pub by_service: bool,
    /// In the order of the requests; none where the service has not answered.
    pub answers: Vec<Option<RequestAnswer>>,
}

/// Has requests done: by the service that runs the store, else here.
pub async fn ask(place: &StorePlace, requests: &[RequestBody]) -> Result<Asked> {
    if !place.path.exists() {
        // Opening one for work would make it.
        return Err(StoreError::missing(&place.path).into());
    }
    match Store::open(&place.path, Options::default()) {
        Ok(store) => {
            let answers = do_here(&store, place, requests).await?;
            Ok(Asked { by_service: false, answers })
        }
        Err(error) if error.kind == StoreErrorKind::Taken => {
            let answers = ask_service(&place.open()?, requests).await?;
            Ok(Asked { by_service: true, answers })
        }
        Err(error) => Err(error.into()),
    }
}

async fn do_here(
    store: &Store,
    place: &StorePlace,
    requests: &[RequestBody],
) -> Result<Vec<Option<RequestAnswer>>> {
    let needs_recipes = requests.iter().any(|request| {
        matches!(
            request,
            RequestBody::Replay { .. } | RequestBody::Retry { current_recipe: true, .. }
        )
    });
    let installed = match needs_recipes {
        true => installed(store, place.project.as_deref()).await?,
        false => Installed::default(),
    };
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        answers.push(Some(match act(store, &installed, request).await {
            Ok(done) => RequestAnswer::Done(done.note),
            Err(ActError::Impossible(why)) => RequestAnswer::Impossible(why),
            Err(ActError::Store(error)) => return Err(error.into()),
        }));
    }
    Ok(answers)
}

/// Leaves requests for the service that runs a store, and waits for its answers.
pub async fn ask_service(
    store: &Store,
    requests: &[RequestBody],
) -> std::result::Result<Vec<Option<RequestAnswer>>, StoreError> {
    let mut left = Vec::with_capacity(requests.len());
    for request in requests {
        left.push(store.leave_request(request).await?);
    }
    let mut answers = vec![None; left.len()];
    let mut last_answer = Instant::now();
    let mut next = 0;
    // The service goes through them in order.
    while next < left.len() && last_answer.elapsed() < PATIENCE {
        match store.request_answer(left[next]).await? {
            Some(answer) => {
                answers[next] = Some(answer);
                next += 1;
                last_answer = Instant::now();
            }
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    Ok(answers)
}

impl Asked {
    /// There was nothing to ask for.
    pub fn nothing() -> Value {
        Asked { by_service: false, answers: Vec::new() }.json(&[])
    }

    /// Whether all of them were done.
    pub fn is_done(&self) -> bool {
        self.answers.iter().all(|answer| matches!(answer, Some(RequestAnswer::Done(_))))
    }

    /// Prints what became of each. `subjects` are what the requests were about, `goes_on` is said when
    /// something was done and no service is there to go on with it.
    pub fn print(&self, subjects: &[String], goes_on: Option<&str>, format: Format) -> Result {
        let done = |answer: &&Option<RequestAnswer>| matches!(answer, Some(RequestAnswer::Done(_)));
        let count = self.answers.iter().filter(done).count();
        match format {
            Format::Text => {
                for (subject, answer) in subjects.iter().zip(&self.answers) {
                    match answer {
                        Some(RequestAnswer::Done(note)) => print::line(note),
                        Some(RequestAnswer::Impossible(why)) => {
                            print::talk(CommandError::problem(why));
                        }
                        None => print::talk(format_args!(
                            "{subject}: the service has not answered yet; it does this as soon as it can"
                        )),
                    }
                }
                if let Some(goes_on) = goes_on.filter(|_| count > 0 && !self.by_service) {
                    print::line(goes_on);
                }
            }
            Format::Json => print::line(self.json(subjects)),
        }
        match count == self.answers.len() {
            true => Ok(Exit::Good),
            false => Ok(Exit::Problems),
        }
    }

    fn json(&self, subjects: &[String]) -> Value {
        let answers = subjects.iter().zip(&self.answers).map(|(subject, answer)| match answer {
            Some(RequestAnswer::Done(note)) => json!({ "about": subject, "done": note }),
            Some(RequestAnswer::Impossible(why)) => json!({ "about": subject, "impossible": why }),
            None => json!({ "about": subject, "unanswered": true }),
        });
        json!({
            "format_version": 1,
            "by_service": self.by_service,
            "answers": answers.collect::<Vec<_>>(),
        })
    }
}
