//! What an app lets a connection send: a wish to send comes in; a [`Pass`], or when to come back, goes out.
//!
//! # What always holds
//!
//! * A request counts from its [`Pass`] until the length of a window after its *answer*: the app saw it
//!   somewhere in between, so no window of the app ever holds more than the limit says.
//! * Requests that are out count as failures that may still come. With a limit on failures, at most
//!   that limit less one can fail in its window even if everything that is out fails at once. This
//!   holds for a healthy connection as well, since a token that is revoked fails everything that is
//!   out, and the block that follows lasts an hour. It costs little: nine at once with answers after
//!   300 ms are 1,800 a minute, and Stax takes 100.
//! * Live before retry before sync, and within one by arrival; a lower one goes first only when it has
//!   been passed over so often that it would starve (see [`Priority`]).
//! * After a refusal (429) and after an outage nobody storms: one goes first, and each good answer lets
//!   one more out at once.
//! * Nothing runs by itself: the one whose turn is next sleeps until something can change, and whoever
//!   changes something lets the next ones go.

mod breaker;
mod budget;
mod closed;
mod day;
mod enter;
mod failure_budget;
mod limits;
mod pass;
mod queue;
mod ramp;
mod state;
mod tally;
mod timeline;
mod window;

pub use breaker::{Breaker, Host};
pub use closed::{Closed, ClosedBy};
pub use enter::Gate;
pub use limits::{Limits, SetBy, Spent, Window};
pub use pass::Pass;
pub use queue::Priority;
pub use state::{GateState, Waiting};
