//! Changes to `linecook.yaml`: its text comes in; the same text goes out with one thing changed and every
//! remark where it was, or nothing where that cannot be done for certain.
//!
//! A change is made of pieces of text at places of the document, and what comes out is read again: it has to
//! say what was wanted, and nothing else.

mod connection;
mod installation;
mod layout;

pub use connection::{
    LOCATION_TO_FILL_IN, connection_lines, with_connection, with_location, with_name,
};
pub use installation::{installation_lines, with_installation};
