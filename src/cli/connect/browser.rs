//! With a marketplace app: the browser goes to the app, a person agrees there, and what it brings back is
//! exchanged for tokens.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use url::Url;

use super::client::Known;
use super::{Connecting, Scopes, agree};
use crate::catalog::OAuth;
use crate::cli::exit::{CommandError, Result};
use crate::cli::{ask, print};
use crate::connection::{Facts, Redactor, Secret, Way};
use crate::http::oauth::{Granted, OAuthError, TokenEndpoint, User};
use crate::sign_in::{Asked, Door, Ending, GOOD_FOR, Returned, State, authorize, read_address};
use crate::vault::{Grant, OAuthGrant};

/// What a sign-in has given.
struct SignedIn {
    facts: Facts,
    grant: OAuthGrant,
    /// What was asked for and not granted.
    missing: Option<String>,
}

impl Connecting<'_> {
    pub(super) async fn through_browser(&mut self) -> Result<()> {
        let oauth = self.app.oauth.as_ref().expect("only such an app has this way");
        let page = self.page(oauth)?;
        let base_url = self.base_url()?;
        let endpoint = TokenEndpoint::of(self.app, Some(&base_url));
        let endpoint = endpoint.map_err(|e| self.refused(&e, ""))?;
        // Before anybody signs in for it.
        self.named_location()?;
        let scopes = self.asked_for(oauth)?;
        let known = self.client(&scopes)?;
        self.show_asked(&scopes);
        let by_hand = self.options.sign_in.no_browser;
        if !by_hand && !ask::go_on("Open the browser to agree to it?")? {
            print::talk("Nothing was done.");
            return Ok(());
        }

        let state = Arc::new(State::new(Instant::now() + GOOD_FOR));
        let state_text = state.text().expect("it is new");
        let asked: Vec<String> = scopes.keys().cloned().collect();
        let authorization = authorize(&Asked {
            page: &page,
            client_id: &known.client.client_id,
            redirect: &known.redirect,
            scopes: &asked,
            state: &state_text,
            pkce: known.client.pkce,
        });
        let begins = (!by_hand).then(|| authorization.address.clone());
        let mut door = self.open_door(&known, &state, begins).await?;
        match &door {
            Some(door) if !by_hand => open_browser(&door.begin_address()),
            _ => {
                print::talk("Open this address in a browser, sign in and agree:");
                print::line(format_args!("\n{}\n", authorization.address.expose()));
                print::talk(format_args!(
                    "If the browser ends at {} and cannot show it, copy its whole address and paste it here:",
                    known.redirect.as_str()
                ));
            }
        }
        let returned = self.wait(&mut door, &known, &state).await;
        let verifier = authorization.verifier.as_ref();
        let result = match returned {
            Ok(code) => self.exchange(&endpoint, &known, &code, verifier, &scopes).await,
            Err(error) => Err(error),
        };
        let result = result.and_then(|signed_in| self.keep_signed_in(known, signed_in));
        if let Some(door) = door {
            door.close(self.ending(&result)).await;
        }
        result.map(|_| ())
    }

    /// The page at which people agree.
    fn page(&self, oauth: &OAuth) -> Result<Url> {
        let options = &self.options.sign_in;
        let own = &oauth.authorize_url;
        let page = match (options.white_label, &oauth.white_label_authorize_url) {
            (true, Some(page)) => page.clone(),
            (true, None) => {
                return Err(CommandError::usage(
                    format!("{} has no page without its name", self.app.title),
                    "leave out --white-label",
                ));
            }
            (false, _) => self.authorize_url()?.unwrap_or_else(|| own.clone()),
        };
        let mut page = Url::parse(&page).map_err(|_| {
            CommandError::usage(
                format!("`{page}` is not an address"),
                "correct the `authorize_url` in linecook.yaml",
            )
        })?;
        if let Some(version) = &options.version_id {
            page.query_pairs_mut().append_pair("version_id", version);
        }
        Ok(page)
    }

    /// Listens for the browser. None when that cannot be, and the address can be pasted instead.
    async fn open_door(
        &self,
        known: &Known,
        state: &Arc<State>,
        begins: Option<Secret>,
    ) -> Result<Option<Door>> {
        let can_paste = begins.is_none();
        match Door::open(known.redirect.clone(), state.clone(), begins).await {
            Ok(door) => Ok(Some(door)),
            Err(_) if can_paste => Ok(None),
            Err(error) => Err(CommandError::environment(
                format!(
                    "linecook cannot listen at {} for the browser to come back: {error}",
                    known.redirect.as_str()
                ),
                "end the program that listens there, or register another address with your app and name it with --redirect-uri",
            )),
        }
    }

    /// Waits for the code, from the browser or pasted.
    async fn wait(
        &self,
        door: &mut Option<Door>,
        known: &Known,
        state: &Arc<State>,
    ) -> Result<Secret> {
        let too_late = tokio::time::sleep(GOOD_FOR);
        tokio::pin!(too_late);
        let mut pasted = self.options.sign_in.no_browser.then(lines);
        let returned = loop {
            let at_door = async {
                match door.as_mut() {
                    Some(door) => door.returned().await,
                    None => std::future::pending().await,
                }
            };
            let pasting = async {
                match pasted.as_mut() {
                    Some(lines) => lines.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                returned = at_door => break returned,
                line = pasting => match line.as_deref() {
                    // Nobody pastes anything more.
                    None if door.is_none() => return Err(CommandError::usage(
                        "nothing came in: no browser can come back to this machine, and standard input has ended",
                        "run this at a terminal and paste the address there",
                    )),
                    None => pasted = None,
                    Some(text) if text.trim().is_empty() => {}
                    Some(text) => match read_address(text, &known.redirect, state, Instant::now()) {
                        Ok(returned) => break returned,
                        Err(why) => print::talk(format_args!(
                            "Not taken: {}. Paste the whole address, beginning with {}",
                            why.words(),
                            known.redirect.as_str()
                        )),
                    },
                },
                () = &mut too_late => return Err(CommandError::usage(
                    format!("nobody has agreed within {} minutes", GOOD_FOR.as_secs() / 60),
                    "begin again with the same command",
                )),
            }
        };
        match returned {
            Returned::Code(code) => Ok(code),
            Returned::Refused(why) => Err(CommandError::usage(
                format!("{} did not agree: {why}", self.app.title),
                "begin again with the same command, and agree on the page",
            )),
        }
    }

    /// Exchanges the code, and finds out which account it is for.
    async fn exchange(
        &self,
        endpoint: &TokenEndpoint,
        known: &Known,
        code: &Secret,
        verifier: Option<&Secret>,
        asked: &Scopes,
    ) -> Result<SignedIn> {
        let user = match self.options.sign_in.company {
            true => User::Company,
            false => User::Location,
        };
        let granted = endpoint.exchange_code(&known.client, code, verifier, user).await;
        let granted = granted.map_err(|e| {
            let redirect = known.redirect.as_str();
            self.refused(&e, &format!("check that the app is registered with exactly {redirect}; a new client secret goes in with --new-client-secret"))
        })?;
        let is_company = match granted.user {
            Some(user) => user == User::Company,
            None => granted.location_id.is_none() && granted.company_id.is_some(),
        };
        let (location_id, company_id) = (granted.location_id.clone(), granted.company_id.clone());
        let scopes = granted.scopes.clone();
        let (location, location_token) = match (is_company, location_id, &company_id) {
            (false, Some(location), _) => (self.right_location(location)?, None),
            (true, _, Some(company)) => {
                let (location, token) = self.of_company(endpoint, known, &granted, company).await?;
                (location, Some(token))
            }
            _ => {
                return Err(CommandError::environment(
                    format!("{} does not say which account this sign-in is for", self.app.title),
                    "begin again, and choose one account on the page",
                ));
            }
        };
        let Some(mut grant) = granted.into_grant(&known.key, None) else {
            return Err(CommandError::environment(
                format!("{} gave a token that cannot be renewed", self.app.title),
                "check the settings of your app at the marketplace, and begin again",
            ));
        };
        grant.location = location_token.map(Granted::into_location_token);
        let expires_at = match &grant.location {
            Some(token) => token.expires_at,
            None => grant.expires_at,
        };
        let missing = agree::missing(asked, scopes.as_deref());
        let facts = Facts {
            app: self.app.app.clone(),
            way: Way::MarketplaceApp,
            location_id: Some(location),
            company_id: company_id.filter(|_| is_company),
            scopes,
            is_sandbox: None,
            expires_at: Some(expires_at),
            since: jiff::Timestamp::now(),
            lost: None,
        };
        Ok(SignedIn { facts, grant, missing })
    }

    /// Nothing is kept for another account than that of the connection.
    fn right_location(&self, location: String) -> Result<String> {
        match self.named_location()? {
            Some(named) if named != location => Err(CommandError::usage(
                format!(
                    "you signed in for the account {location}, but `{}` is the account {named}",
                    self.name
                ),
                format!(
                    "sign in again and choose {named} on the page; or make a connection of its own for {location}, with --name"
                ),
            )),
            _ => Ok(location),
        }
    }

    /// The account and its token, for that of a company.
    async fn of_company(
        &self,
        endpoint: &TokenEndpoint,
        known: &Known,
        granted: &Granted,
        company: &str,
    ) -> Result<(String, Granted)> {
        let scopes = "the app needs the scopes oauth.readonly and oauth.write for this: add them at the marketplace and connect with --company; or choose one account, and not the company, on the page";
        let location = match self.named_location()? {
            Some(location) => location,
            None => {
                let found = endpoint.installed_locations(&granted.access, company, &known.client);
                let found = found.await.map_err(|e| self.refused(&e, scopes))?;
                let found = found.into_iter().filter(|one| one.is_installed != Some(false));
                let (ids, items): (Vec<String>, Vec<String>) = found
                    .map(|one| {
                        let item = format!("{} ({}) {}", one.name, one.id, one.address);
                        (one.id, item.trim().to_owned())
                    })
                    .unzip();
                if ids.is_empty() {
                    return Err(CommandError::usage(
                        "your app is not installed for any account of this company",
                        "install it for an account first, then connect again",
                    ));
                }
                let otherwise =
                    format!("say --location with one of these:\n  {}", items.join("\n  "));
                let at = ask::choose(
                    "You signed in for a company. Which of its accounts",
                    &items,
                    otherwise,
                )?;
                ids[at].clone()
            }
        };
        let token = endpoint.location_token(&granted.access, company, &location).await;
        let token = token.map_err(|e| self.refused(&e, scopes))?;
        if token.location_id.as_ref().is_some_and(|id| *id != location) {
            return Err(CommandError::environment(
                format!("{} gave a token for another account than {location}", self.app.title),
                "begin again with the same command",
            ));
        }
        Ok((location, token))
    }

    fn keep_signed_in(&mut self, known: Known, signed_in: SignedIn) -> Result<SignedIn> {
        let Known { key, client, .. } = known;
        let SignedIn { facts, grant, missing } = signed_in;
        let way = self.keep_with(facts.clone(), Grant::OAuth(grant.clone()), |contents| {
            contents.clients.insert(key, client);
        })?;
        self.say_replaced(way, facts.way);
        missing.iter().for_each(print::talk);
        Ok(SignedIn { facts, grant, missing })
    }

    fn refused(&self, error: &OAuthError, help: &str) -> CommandError {
        let what = format!("nothing was kept: {error}");
        match error {
            OAuthError::NoAnswer { .. } => CommandError::environment(
                what,
                format!("check the network and begin again when {} answers", self.app.title),
            ),
            OAuthError::NotActive(_) => {
                CommandError::usage(what, "wake the account up first, then connect again")
            }
            OAuthError::Refused(_) | OAuthError::BadAnswer(_) => CommandError::usage(what, help),
        }
    }

    /// What the browser shows.
    fn ending(&self, result: &Result<SignedIn>) -> Ending {
        let title = &self.app.title;
        match result {
            Ok(signed_in) => {
                let account = signed_in.facts.location_id.as_deref().unwrap_or_default();
                let mut sentences = vec![format!(
                    "linecook may now work in the account {account}, under the name {}.",
                    self.name
                )];
                if signed_in.missing.is_some() {
                    sentences.push(
                        "Less was granted than was asked for: the terminal says what.".into(),
                    );
                }
                sentences.push("You can close this page and go on in the terminal.".into());
                Ending { good: true, title: format!("{title} is connected"), sentences }
            }
            Err(error) => Ending {
                good: false,
                title: format!("{title} is not connected"),
                sentences: vec![
                    format!("{}.", ask::capitalised(&Redactor::process().text(error.message()))),
                    "The terminal says what to do.".into(),
                ],
            },
        }
    }
}

/// Opens the browser of this machine. Its command line holds nothing secret.
fn open_browser(address: &str) {
    print::talk(match open::that_detached(address) {
        Ok(()) => format!("The browser opens. If it does not, open {address} in it."),
        Err(_) => format!("No browser could be opened. Open {address} in one on this machine."),
    });
}

/// The lines of standard input, as they come.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    // A read cannot be broken off, so it is on a thread that nobody waits for.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
