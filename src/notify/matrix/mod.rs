//! Messages into a Matrix room, over the client-server API (v3), with nothing but requests.
//!
//! The transaction id of an event is the message's stable id: the homeserver takes the same id
//! with the same token for the same event, so a message delivered twice is seen once. (After a new
//! login the token is another, and what was on its way then may be seen twice.)
//!
//! An alias is looked up, and the room asked whether it is encrypted, once per start and again
//! after a refusal: we write plain text, and in an encrypted room nobody would trust it.

mod event;
mod homeserver;
mod reply;

pub(super) use homeserver::Homeserver;
