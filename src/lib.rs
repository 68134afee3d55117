//! linecook: declarative recipes that keep Stax and HighLevel in agreement.
//!
//! # The flow
//!
//! ```text
//! text → Source → Document → Recipe → Checked → Plan ─┬ + TriggerEvent → Scope → Request → Response → Entry → History → report
//!                                                     └ the same loop; Engine = local | durable | dry
//! webhook, schedule, poll → Arrival (on disk) → run in its lane → the loop above, with its journal on disk
//! event type × operation → Draft (what goes into each field) → text, and from there the loop above in the sandbox
//! ```
//!
//! # The modules
//!
//! Data flows one way: a module imports only from modules above it in the list below, and a test
//! (`tests/it/modules.rs`) reads the list and holds everybody to it.
//!
//! * **Nouns** are plain data: no I/O, no async.
//! * **Stages** are functions from one noun to the next: pure, except `execute`, which reaches the
//!   world only through the traits `Engine`, `Caller`, `Clock`, `Journal` and `Quota`; its gates
//!   sleep on the clock of tokio.
//! * **Edges** touch the world: network, disk, terminal, clock.
//!
//! # What always holds
//!
//! * A [`check::Checked`] is the proof that a recipe is good; it is made only by [`check::recipe`], and
//!   nobody looks again after it.
//! * A [`plan::Plan`] can be stored: a started run keeps its own.
//! * A [`snapshot::Snapshot`] holds names and ids of an account and no data of people it serves; a plan
//!   keeps the ids that it was checked with.
//! * A [`call::Request`] carries no credential; the token is added by [`http`], after rendering.
//! * One renewal of a token goes on at a time, over all processes, and what it gives is stored before
//!   anybody uses it: see `http/renew`.
//! * What is acknowledged is on disk, and so is every call that changes something before it goes out:
//!   see [`execute::DurableEngine`]. A crash is a call without an answer, and settled like one.
//! * One process runs a store: see `store/lease.rs`. Others look, and leave requests.
//! * Values from an event are rendered once and are never templates themselves.
//! * Everything has a limit: file size, nesting, steps, items of a loop, pages, template work, answers.

// ── nouns ──
pub mod value;
pub mod source;
pub mod diagnostic;
pub mod template;
pub mod connection;
pub mod catalog;
pub mod snapshot;
pub mod recipe;
pub mod project;
pub mod call;
// ── stages ──
pub mod parse;
pub mod check;
pub mod suggest;
pub mod plan;
pub mod journal;
pub mod execute;
pub mod report;
// ── edges ──
pub mod clock;
pub mod vault;
pub mod http;
pub mod store;
pub mod sandbox;
pub mod server;
pub mod sign_in;
pub mod cli;
