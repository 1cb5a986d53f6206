//! Bound sockets, and the byte streams that they accept: [`Listener`].
//!
//! Sockets are TCP's or unix sockets; they are bound here, or inherited from whoever started us.

mod address;
mod bind_error;
mod bound;
mod inherited;
mod interface;
mod own_names;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod reuseport;
mod socket_file;
mod tcp;
mod unix;

pub use address::{Address, AddressError, resolve};
pub use bind_error::{BindError, BindFailure};
pub(super) use bound::{Handover, is_listening};
pub use bound::{Listener, Sockets};
pub use inherited::{Inherited, InheritedError, has_inherited};
pub(super) use own_names::own_names;
pub use socket_file::Permissions;
pub(super) use socket_file::SocketFile;
pub(super) use tcp::tune;
pub use tcp::{BACKLOG, Tcp};
pub use unix::{UnixName, UnixSocket};
pub(super) use unix::{bind as bind_unix, peer};
