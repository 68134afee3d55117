//! One test binary; its files mirror the stages.

mod access;
#[path = "../accounts/mod.rs"]
mod accounts;
mod canaries;
mod cases;
mod catalog;
mod check;
mod codes;
mod connect;
mod docs;
mod dry_run;
mod exchanges;
mod explain;
mod examples;
mod gallery;
mod gate;
mod generated;
mod going_live;
mod hostile;
mod import;
mod interleaving;
mod looking;
mod modules;
mod project;
mod pull;
mod record;
mod renew;
mod resume;
mod run;
mod sandbox;
mod service;
mod serving;
mod settle;
mod sign_in;
mod undo;
mod webhooks;
