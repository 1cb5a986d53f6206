//! Authentication (RFC 9110 §11): which credentials of a request show who its client is, and whether they are right.
//!
//! [`Authentication`] is the rule of a route: which kinds there are, which of those that a request carries decides, and
//! what a client is told that has shown nothing. The kinds have a file each. What is remembered of clients, wrong guesses
//! and right passwords, is in [`Logins`]; what the files say is read again when they change, and sessions whose login
//! is no more are found by it ([`Login`]).

mod asking;
mod cookie;
mod cookie_key;
mod credentials;
mod foreign;
mod login;
mod login_files;
mod logins;
mod password_file;
mod password_hash;
mod rule;
mod token_file;
mod verifier;
mod watched_file;
mod withheld;

pub(in crate::http) use asking::Asking;
pub(in crate::http) use cookie::clear_cookie;
pub use cookie_key::CookieKey;
pub(in crate::http) use credentials::{keep_query_token, without_query_token};
pub(in crate::http) use foreign::{
    AskedKind, check_foreign_page, fetch_site, is_embedded, is_of_foreign_origin,
};
pub(in crate::http) use login::Login;
pub use login_files::LoginFiles;
pub(in crate::http) use logins::Logins;
pub use password_file::PasswordFile;
pub(in crate::http) use rule::Authenticated;
pub use rule::{Authentication, Certificates};
pub use token_file::TokenFile;
pub(in crate::http) use withheld::{Withheld, withhold};
