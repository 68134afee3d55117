//! A project in a folder of its own, and its service as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use linecook::sandbox::World;
use linecook::store::{self, Store};
use linecook::vault::{KEY_VARIABLE, KeyPlaces, Vault};
use zeroize::Zeroizing;

use super::apps::{Apps, CARD};

/// The key of the vault: 32 bytes of 7.
const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// Calls of every class that is settled without a person.
pub const PROTECTED: &str = "protected";
/// A call that only a person can settle.
pub const UNPROTECTED: &str = "unprotected";

/// Short waits between two tries, so that what is tried often is done soon.
const RETRY: &str = "{ for: 24h, first: 1s, at_most: 5s }";

const PROTECTED_RECIPE: &str = "
name: Everything that is settled by itself
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    retry: RETRY
    with: { email: '{{ event.email }}' }
  - call: POST /contacts/:contactId/tags
    retry: RETRY
    with: { contactId: '{{ steps.contact.contact_id }}', tags: [customer] }
  - call: POST /contacts/:contactId/notes
    retry: RETRY
    with: { contactId: '{{ steps.contact.contact_id }}', body: 'A note for {{ event.id }}' }
  - call: POST /contacts/:contactId/tasks
    retry: RETRY
    with:
      contactId: '{{ steps.contact.contact_id }}'
      title: 'A task for {{ event.id }}'
      dueDate: '{{ now() | add_days(1) }}'
  - call: POST /customer
    retry: RETRY
    with: { firstname: Ada, reference: '{{ event.id }}' }
  - call: POST /contacts/
    retry: RETRY
    with: { email: 'second-{{ event.email }}' }
  - call: POST /charge
    retry: RETRY
    with: { total: 5, payment_method_id: CARD, meta: { payment_note: '{{ event.id }}' } }
";

const UNPROTECTED_RECIPE: &str = "
name: What only a person can settle
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    retry: RETRY
    with: { email: '{{ event.email }}' }
  - call: POST /contacts/:contactId/workflow/:workflowId
    retry: RETRY
    with: { contactId: '{{ steps.contact.contact_id }}', workflowId: welcome }
";

/// A project with its store.
pub struct Project {
    folder: tempfile::TempDir,
    port: u16,
}

impl Project {
    pub fn write(apps: &Apps) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let yaml = format!(
            "live_at_once: true\n\
             listen: 127.0.0.1:{port}\n\
             public_url: http://127.0.0.1:{port}\n\
             request_timeout: 200ms\n\
             connections:\n  \
               stax: {{ app: stax, base_url: \"{}\" }}\n  \
               main: {{ app: highlevel, location_id: {}, base_url: \"{}\" }}\n\
             recipes:\n  \
               - recipe: {PROTECTED}.yaml\n  \
               - recipe: {UNPROTECTED}.yaml\n\
             quotas:\n  \
               main: {{ requests: 1000000, per: 10s, per_day: 100000000, failures: 1000000, failures_per: 60s }}\n  \
               stax: {{ requests: 1000000, per: 10s, per_day: 100000000, failures: 1000000, failures_per: 60s }}\n",
            apps.base_url("stax"),
            World::location_id(),
            apps.base_url("highlevel"),
        );
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("linecook.yaml", &yaml);
        write("protected.yaml", &PROTECTED_RECIPE.replace("CARD", CARD).replace("RETRY", RETRY));
        write("unprotected.yaml", &UNPROTECTED_RECIPE.replace("RETRY", RETRY));
        // A build meanwhile does not change what is killed here.
        std::fs::copy(env!("CARGO_BIN_EXE_linecook"), folder.path().join("linecook")).unwrap();
        Project { folder, port }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The store beside the service; none before the service has made it.
    pub fn store(&self) -> Option<Store> {
        Store::beside(&self.folder.path().join("linecook.db"), store::Options::default()).ok()
    }

    /// The secrets of webhook addresses, as the service makes them.
    pub fn hook_secrets(&self) -> HookSecrets {
        let environment = Some(Zeroizing::new(KEY.to_owned()));
        let places = KeyPlaces { environment, keyring: false, file: None };
        HookSecrets(Vault::new(self.folder.path().join("linecook.vault"), places))
    }

    /// Starts the service.
    pub fn serve(&self) -> Service {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let child = Command::new(self.folder.path().join("linecook"))
            .arg("serve")
            .current_dir(self.folder.path())
            .env("LINECOOK_STAX_TOKEN", World::token("stax"))
            .env("LINECOOK_MAIN_TOKEN", World::token("highlevel"))
            .env("LINECOOK_LOG", "warn")
            .env(KEY_VARIABLE, KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        Service { child, is_over: false }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log.txt")
    }

    pub fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// The secrets of webhook addresses, in the vault of a project.
pub struct HookSecrets(Vault);

impl HookSecrets {
    /// None before the service has made it.
    pub fn of(&self, connection: &str) -> Option<String> {
        let hooks = self.0.read().ok()?.hooks;
        Some(hooks.get(connection)?.first()?.secret.expose().to_owned())
    }
}

/// A service that runs.
pub struct Service {
    child: Child,
    is_over: bool,
}

impl Service {
    /// Ends it with SIGKILL. What is wrong when it has ended by itself.
    pub fn kill(&mut self) -> Option<String> {
        self.is_over = true;
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(format!("the service ended by itself: {status}"));
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        None
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.is_over {
            self.kill();
        }
    }
}
