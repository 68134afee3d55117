//! Tells people: what has gone wrong goes to a webhook or by e-mail, gathered so that a bad night is one
//! message and not a thousand.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::json;
use tracing::{error, info};

use super::Service;
use crate::connection::Secret;
use crate::store::Notice;

/// The most that one message tells one by one.
const MOST: usize = 50;

/// Whom to tell, and how often at most.
#[derive(Clone, Debug, Default)]
pub struct Notify {
    /// JSON is posted here.
    pub webhook: Option<String>,
    pub email: Option<Email>,
    pub every: Duration,
}

/// E-mail over SMTP.
#[derive(Clone, Debug)]
pub struct Email {
    pub to: Vec<Mailbox>,
    pub from: Mailbox,
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub password: Option<Secret>,
}

impl Notify {
    pub fn is_silent(&self) -> bool {
        self.webhook.is_none() && self.email.is_none()
    }
}

/// Sends what has gathered; gives whether there was anything. What cannot be sent stays for the next time.
pub async fn send(service: &Arc<Service>, notify: &Notify, client: &reqwest::Client) -> bool {
    let notices = match service.store().notices(10_000).await {
        Ok(notices) if notices.is_empty() => return false,
        Ok(notices) => notices,
        Err(problem) => {
            error!("{problem}: {}", problem.help);
            return false;
        }
    };
    let last = notices.last().map_or(0, |notice| notice.id);
    let mut told = false;
    if let Some(webhook) = &notify.webhook {
        told |= report("the webhook of `notify`", post(client, webhook, &notices).await);
    }
    if let Some(email) = &notify.email {
        told |= report("e-mail", mail(email, &notices).await);
    }
    if told && let Err(problem) = service.store().drop_notices(last).await {
        error!("{problem}: {}", problem.help);
    }
    true
}

fn report(way: &str, result: Result<(), String>) -> bool {
    match result {
        Ok(()) => {
            info!("people were told by {way}");
            true
        }
        Err(why) => {
            error!("people could not be told by {way}: {why}");
            false
        }
    }
}

async fn post(client: &reqwest::Client, url: &str, notices: &[Notice]) -> Result<(), String> {
    let list = notices.iter().take(MOST).map(|n| {
        json!({ "event": format!("linecook.{}", n.event), "at": n.at.to_string(), "data": n.payload })
    });
    let body = json!({
        "format_version": 1,
        "text": text(notices),
        "count": notices.len(),
        "notices": list.collect::<Vec<_>>(),
    });
    // The address may hold a secret: errors do not repeat it.
    let answer = client.post(url).json(&body).send().await;
    let answer = answer.map_err(|e| e.without_url().to_string())?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(format!("it answers {}", answer.status().as_u16())),
    }
}

async fn mail(email: &Email, notices: &[Notice]) -> Result<(), String> {
    let mut message = Message::builder().from(email.from.clone()).subject(subject(notices));
    for to in &email.to {
        message = message.to(to.clone());
    }
    let message = message.body(text(notices)).map_err(|e| e.to_string())?;
    let here = matches!(email.host.as_str(), "localhost" | "127.0.0.1" | "::1");
    let transport = match here {
        // On this machine there is nobody in between.
        true => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host),
        false if email.port == 465 => {
            AsyncSmtpTransport::<Tokio1Executor>::relay(&email.host).map_err(|e| e.to_string())?
        }
        false => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&email.host)
            .map_err(|e| e.to_string())?,
    };
    let mut transport = transport.port(email.port).timeout(Some(Duration::from_secs(30)));
    if let (Some(user), Some(password)) = (&email.user, &email.password) {
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        transport = transport.credentials(credentials);
    }
    transport.build().send(message).await.map(|_| ()).map_err(|e| e.to_string())
}

fn subject(notices: &[Notice]) -> String {
    match notices {
        [one] => format!("linecook: {}", headline(one)),
        several => format!("linecook: {} things need a look", several.len()),
    }
}

/// All notices as one text.
fn text(notices: &[Notice]) -> String {
    let mut text = String::new();
    for notice in notices.iter().take(MOST) {
        text.push_str(&format!("{}  {}\n", notice.at.strftime("%F %T UTC"), headline(notice)));
        if let Some(help) = notice.payload["help"].as_str() {
            text.push_str(&format!("    {help}\n"));
        }
    }
    if notices.len() > MOST {
        text.push_str(&format!(
            "… and {} more: see `linecook runs list --state failed held`\n",
            notices.len() - MOST
        ));
    }
    text
}

fn headline(notice: &Notice) -> String {
    let field = |name: &str| notice.payload[name].as_str().unwrap_or_default().to_owned();
    match notice.event.as_str() {
        "run_failed" => {
            format!("{} failed ({}): {}", field("run"), field("recipe"), field("message"))
        }
        "run_held" => {
            format!(
                "{} waits for an answer ({}): {}",
                field("run"),
                field("recipe"),
                field("message")
            )
        }
        "connection_expired" => {
            format!("the connection `{}` has to be renewed: {}", field("connection"), field("why"))
        }
        "quota_low" => format!(
            "the connection `{}` has {} of {} calls left",
            field("connection"),
            notice.payload["left"],
            notice.payload["limit"]
        ),
        "recipe_paused" => format!("{} does not run: it is {}", field("recipe"), field("why")),
        "rotation_due" => format!(
            "the credential of the connection `{}` is to be replaced: it is {} days old",
            field("connection"),
            notice.payload["age_days"]
        ),
        other => other.to_owned(),
    }
}
