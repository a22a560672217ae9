//! Who may call is settled before what they sent is looked at.
//!
//! The extractors of a handler run side by side, and the first refusal is the answer. The one that
//! authorises closes a gate behind which those of body and query wait, so that nobody is told about
//! their JSON who may not send it.

use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::watch;

/// Held by whoever authorises the request.
pub struct Gate(watch::Sender<bool>);

/// Waits behind the gate, if the handler has one.
pub struct Waiter(Option<watch::Receiver<bool>>);

#[derive(Clone)]
struct Closed(watch::Receiver<bool>);

impl Gate {
    /// Closes the gate of this request: extractors that stand later in the handler's signature wait.
    pub fn close(request: &HttpRequest) -> Self {
        let (sender, receiver) = watch::channel(false);
        request.extensions_mut().insert(Closed(receiver));
        Self(sender)
    }

    pub fn open(self) {
        self.0.send_replace(true);
    }
}

impl Waiter {
    pub fn at(request: &HttpRequest) -> Self {
        Self(request.extensions().get::<Closed>().map(|closed| closed.0.clone()))
    }

    /// Until the caller is authorised; if that fails, the refusal is answered before this ends.
    pub async fn pass(self) {
        if let Some(mut receiver) = self.0 {
            let _ = receiver.wait_for(|open| *open).await;
        }
    }
}
