//! What a party sleeps at until it is its turn.

use std::sync::atomic::Ordering::{AcqRel, Release};
use std::time::Duration;

use crate::sys::futex::{Reach, Word};

/// Nothing: sleep on.
pub const REST: u32 = 0;
/// Stepped: it is your turn.
pub const TURN: u32 = 1;
/// Realtime: a case begins, look into your mailbox.
pub const CASE: u32 = 2;
/// Leave for good.
pub const LEAVE: u32 = 3;

/// One party sleeps at it, any other rings it. All that was done before it rang is seen by who hears it:
/// this alone hands the board over. It does not count: who rings twice before anybody listens is heard
/// once.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Bell(Word);

impl Bell {
    /// Whoever sleeps here wakes.
    pub fn ring(&self, what: u32, reach: Reach) {
        self.0.store(what, Release);
        self.0.wake(reach);
    }

    /// Sleeps until it rings, and silences it.
    pub fn hear(&self, reach: Reach) -> u32 {
        loop {
            if let Some(what) = self.hear_within(None, reach) {
                return what;
            }
        }
    }

    /// The same, but not for ever: `None` once `limit` has passed (or for no reason).
    pub fn hear_within(&self, limit: Option<Duration>, reach: Reach) -> Option<u32> {
        let take = || Some(self.0.swap(REST, AcqRel)).filter(|&what| what != REST);
        take().or_else(|| {
            self.0.wait(REST, limit, reach);
            take()
        })
    }

    /// Silences it, while nobody listens.
    pub fn silence(&self) {
        self.0.store(REST, Release);
    }
}

/// The executions of two and of three parties, under the memory model of Rust: loom tries them.
///
/// `RUSTFLAGS="--cfg loom" cargo test --release --no-default-features --lib loom_`
#[cfg(all(test, loom))]
mod loom_ {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// Plain data that belongs to whoever has the turn, as the rest of the board does, and two bells.
    #[derive(Default)]
    struct Shared {
        bells: [Bell; 3],
        data: UnsafeCell<u32>,
    }

    // SAFETY: loom checks each access to the cell.
    unsafe impl Sync for Shared {}

    impl Shared {
        fn count(&self) {
            // SAFETY: loom checks that nobody else is at it.
            self.data.with_mut(|data| unsafe { *data += 1 });
        }
    }

    const REACH: Reach = Reach::Machine;

    /// The turn goes to and fro: nobody misses a bell (loom finds the deadlock), and nobody is at the data
    /// together with another (loom finds the race).
    #[test]
    fn loom_the_turn_goes_to_and_fro() {
        loom::model(|| {
            let shared = Arc::new(Shared::default());
            let worker = Arc::clone(&shared);
            let worker = thread::spawn(move || {
                for _ in 0..2 {
                    assert_eq!(worker.bells[1].hear(REACH), TURN);
                    worker.count();
                    worker.bells[0].ring(TURN, REACH);
                }
            });
            for turn in 0..2 {
                shared.count();
                shared.bells[1].ring(TURN, REACH);
                assert_eq!(shared.bells[0].hear(REACH), TURN);
                // SAFETY: the turn is here.
                shared.data.with(|data| assert_eq!(unsafe { *data }, 2 * (turn + 1)));
            }
            worker.join().unwrap();
        });
    }

    /// Whoever stops wakes the next one itself, past the driver. Of three parties loom tries all
    /// executions with up to two preemptions; all of them take minutes.
    #[test]
    fn loom_the_turn_goes_round() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let shared = Arc::new(Shared::default());
            let worker = |me: usize| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.bells[me].hear(REACH);
                    shared.count();
                    shared.bells[(me + 1) % 3].ring(TURN, REACH);
                })
            };
            let workers = [worker(1), worker(2)];
            shared.count();
            shared.bells[1].ring(TURN, REACH);
            shared.bells[0].hear(REACH);
            // SAFETY: the turn is here.
            shared.data.with(|data| assert_eq!(unsafe { *data }, 3));
            for worker in workers {
                worker.join().unwrap();
            }
        });
    }

    /// Two ring at once, as workers do who arrive: the listener is woken, and the last word is heard.
    #[test]
    fn loom_two_ring_at_once() {
        loom::model(|| {
            let bell = Arc::new(Bell::default());
            let other = Arc::clone(&bell);
            let other = thread::spawn(move || other.ring(TURN, REACH));
            bell.ring(LEAVE, REACH);
            let first = bell.hear(REACH);
            other.join().unwrap();
            let second = bell.hear_within(Some(Duration::ZERO), REACH);
            assert!(
                matches!((first, second), (TURN | LEAVE, None) | (LEAVE, Some(TURN))),
                "{first} {second:?}"
            );
        });
    }

    /// A driver that looks after its workers now and then misses nothing by that.
    #[test]
    fn loom_a_look_now_and_then_misses_nothing() {
        loom::model(|| {
            let bell = Arc::new(Bell::default());
            let other = Arc::clone(&bell);
            let other = thread::spawn(move || other.ring(TURN, REACH));
            let early = bell.hear_within(Some(Duration::ZERO), REACH);
            assert_eq!(early.unwrap_or_else(|| bell.hear(REACH)), TURN);
            other.join().unwrap();
        });
    }
}
