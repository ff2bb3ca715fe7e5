//! What the last execution showed: how long it was, and who touched what.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Enabled, Scheduler};
use crate::schedule::Wid;
use crate::stage::{Access, Object};

/// Written by one ([`Learning`] or [`Mixed`](super::Mixed)), read by the schedulers that were given a
/// copy.
///
/// What is told is what the last finished execution did, but for the length, which is the greatest so
/// far.
#[derive(Clone, Default)]
pub struct Profile(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    longest: u32,
    now: u32,
    last: BTreeMap<Object, Touched>,
    current: BTreeMap<Object, Touched>,
}

/// Who touched an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    /// How many steps of each worker did.
    pub(super) steps: BTreeMap<Wid, u32>,
    pub(super) lookers: BTreeSet<Wid>,
    pub(super) changers: BTreeSet<Wid>,
}

impl Touched {
    /// More than one worker, and one of them changes it.
    fn is_contended(&self) -> bool {
        self.steps.len() > 1 && !self.changers.is_empty()
    }
}

impl Profile {
    fn book<R>(&self, act: impl FnOnce(&mut Book) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next execution begins.
    pub(super) fn begin(&self) {
        self.book(|book| {
            book.longest = book.longest.max(take(&mut book.now));
            let current = take(&mut book.current);
            if !current.is_empty() {
                book.last = current;
            }
        });
    }

    /// This worker takes its next step.
    pub(super) fn step(&self, mover: &Enabled) {
        self.book(|book| {
            book.now += 1;
            for (nth, access) in mover.next.iter().enumerate() {
                let touched = book.current.entry(access.object()).or_default();
                // A step counts once, whatever it does to the object.
                if mover.next[..nth].iter().all(|before| before.object() != access.object()) {
                    *touched.steps.entry(mover.worker).or_default() += 1;
                }
                match access {
                    Access::Look(_) => touched.lookers.insert(mover.worker),
                    Access::Change(_) => touched.changers.insert(mover.worker),
                };
            }
        });
    }

    /// The most steps that an execution had; zero before the first one is over.
    pub(super) fn longest(&self) -> u32 {
        self.book(|book| book.longest)
    }

    /// What more than one worker touched, and one of them changed.
    pub(super) fn contended(&self) -> Vec<(Object, Touched)> {
        self.book(|book| {
            let contended = book.last.iter().filter(|(_, touched)| touched.is_contended());
            contended.map(|(&object, touched)| (object, touched.clone())).collect()
        })
    }
}

/// Keeps the [`Profile`] that a scheduler reads.
pub struct Learning<S> {
    profile: Profile,
    inner: S,
}

impl<S> Learning<S> {
    /// `inner` is built over the profile of its own executions.
    pub fn new(inner: impl FnOnce(Profile) -> S) -> Self {
        let profile = Profile::default();
        Learning { inner: inner(profile.clone()), profile }
    }
}

impl<S: Scheduler> Scheduler for Learning<S> {
    fn begin(&mut self) -> bool {
        self.profile.begin();
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let index = self.inner.choose(enabled);
        self.profile.step(&enabled[index]);
        index
    }
}
