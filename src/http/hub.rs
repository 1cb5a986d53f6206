//! The hub, as rooms are joined to it.

use bytes::Bytes;

use super::current::Current;
use crate::{
    backend::{Hear, Listening, Outside},
    hub::Hub,
    message::Message,
};

impl Current {
    /// Has rooms reach the members on other machines; once, and before anybody joins.
    pub fn connect_hub(&self, hub: &Hub) {
        let (speaker, listener) = (hub.clone(), hub.clone());
        let publish = move |room: &str, message: &Message| {
            let payload = match message {
                Message::Text(text) => Bytes::from(text.clone()),
                Message::Binary(bytes) => bytes.clone(),
            };
            speaker.publish(&speaker.name(room), payload);
        };
        let listen = move |room: &str, hear: Hear| {
            Box::new(listener.subscribe(&listener.name(room), hear)) as Listening
        };
        let handler = self.get();
        handler.connect_rooms(Outside::new(publish, listen));
        handler.state.metrics.connect_hub(hub);
    }
}
