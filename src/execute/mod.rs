//! Plan + TriggerEvent → Outcome: the one place that decides what is next. It reaches the world only
//! through an [`Engine`]. How fast an engine may call is the business of [`gate`], which waits by
//! tokio's clock.

mod allowance;
mod any_engine;
mod attempt;
mod call_step;
mod changed;
mod clock;
mod drive;
mod dry;
mod durable;
mod engine;
mod event;
mod expect;
pub mod gate;
mod guarded;
mod identity;
mod known;
mod linking;
mod links;
mod local;
mod look;
mod own_writes;
mod pause_step;
mod read_back;
mod reading;
mod record_locks;
mod recorded;
mod refusal;
mod rehearsing;
mod search_step;
mod settle;
mod setup;
mod undo;
mod used_step;

pub use allowance::{Allowance, Exceeded, Permit, Used};
pub use attempt::words as answer_in_words;
pub use clock::{Clock, VirtualClock};
pub use drive::drive;
pub use dry::DryEngine;
pub use durable::{DurableEngine, Journal, Quota};
pub use engine::{Engine, Interrupt};
pub use event::{TriggerEvent, condition_holds};
pub use expect::{Mismatch, MismatchKind, compare, written_links};
pub use guarded::{LEAVE, WRITE_ANYWAY};
pub use identity::NEITHER;
pub use links::{Imagined, Links, MemoryLinks, effective};
pub use local::LocalEngine;
pub use own_writes::{LONGEST_CHAIN, OwnWrites};
pub use reading::ReadingEngine;
pub use record_locks::{RecordLock, RecordLocks};
pub use recorded::{expected, given};
pub use rehearsing::RehearsingEngine;
pub use settle::{HAPPENED, SEND_AGAIN};
pub use setup::{Care, SettingError, Setup, settings};
pub use undo::{Target as UndoTarget, UndoHow, Undoing, still_ours, undo};
