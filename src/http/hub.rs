//! The hub, as rooms are joined to it.

use bytes::Bytes;

use super::current::Current;
use crate::{
    backend::{Listening, Outside},
    hub::Hub,
    message::Message,
};

impl Current {
    /// Has rooms reach the members on other machines; once, and before anybody joins. What is said there is heard as the
    /// handler in force says.
    pub fn connect_hub(&self, hub: &Hub) {
        let (speaker, listener) = (hub.clone(), hub.clone());
        let publish = move |room: &str, message: &Message| {
            let payload = match message {
                Message::Text(text) => Bytes::from(text.clone()),
                Message::Binary(bytes) => bytes.clone(),
            };
            speaker.publish(&speaker.name(room), payload);
        };
        // A handler that kept itself would never end, nor would the hub.
        let current = self.downgrade();
        let listen = move |room: &str| {
            let (path, current) = (room.to_owned(), current.clone());
            let hear = move |payload| {
                if let Some(handler) = current.get() {
                    handler.hear(&path, &payload);
                }
            };
            Box::new(listener.subscribe(&listener.name(room), hear)) as Listening
        };
        let handler = self.get();
        handler.connect_rooms(Outside::new(publish, listen));
        handler.state.metrics.connect_hub(hub);
    }
}
