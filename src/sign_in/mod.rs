//! Signing in with the browser: an address to open goes out, and what the browser brings back to this
//! machine comes in, checked.
//!
//! The browser is sent to the app with a one-time [`State`]; it comes back to the [`Door`], which listens
//! on this machine alone and takes nobody without it.

mod authorize;
mod door;
mod page;
mod redirect;
mod returned;
mod state;

pub use authorize::{Asked, Authorization, authorize};
pub use door::{Door, Ending};
pub use redirect::{RedirectAddress, USUAL_REDIRECT};
pub use returned::{NotTaken, Returned, read_address};
pub use state::{GOOD_FOR, State};
