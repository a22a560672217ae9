//! Work that goes on beside requests for as long as the process runs.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Background {
    runtime: Handle,
    work: Option<Work>,
}

/// Starts `work` on this thread.
pub fn start(work: impl Future<Output = ()> + 'static) {
    let work: Work = Box::pin(work);
    actix_web::rt::spawn(Background { runtime: Handle::current(), work: Some(work) });
}

impl Future for Background {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.work {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Background {
    /// The thread's local tasks are dropped outside the runtime, which is needed to give a connection
    /// back to its pool.
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.work = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Witness(Sender<bool>);

    impl Drop for Witness {
        fn drop(&mut self) {
            let _ = self.0.send(Handle::try_current().is_ok());
        }
    }

    #[test]
    fn what_is_cut_off_ends_inside_the_runtime() {
        let (sender, receiver) = channel();
        actix_web::rt::System::new().block_on(async move {
            let witness = Witness(sender);
            start(async move {
                std::future::pending::<()>().await;
                drop(witness);
            });
            tokio::task::yield_now().await;
        });
        assert_eq!(receiver.try_recv(), Ok(true));
    }
}
