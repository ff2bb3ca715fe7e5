//! Memory and locks for the parts of a [`Program`](crate::program::Program): each access is a point.
//!
//! They look like std's. Each has a name, which must be its own among those that one program shares: it
//! stands in the history, and tells which steps can be swapped without anybody noticing. Outside a run they
//! work, too: who would block there tries again and again.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{self, PoisonError, TryLockError};

use crate::stage::{self, Access, Object};

/// A name, and the object that it stands for.
#[derive(Debug)]
struct Named {
    name: Cow<'static, str>,
    object: Object,
}

impl Named {
    fn new(kind: &str, name: Cow<'static, str>) -> Self {
        let object = Object::memory(&format!("{kind} {name}"));
        Named { name, object }
    }
}

/// A value that is read and written as a whole, in one step.
#[derive(Debug)]
pub struct Atomic<T> {
    named: Named,
    value: sync::Mutex<T>,
}

impl<T: Copy + fmt::Debug> Atomic<T> {
    /// Of this name, with this value.
    pub fn new(name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Atomic { named: Named::new("value", name.into()), value: sync::Mutex::new(value) }
    }

    /// Looks at it.
    pub fn load(&self) -> T {
        stage::point(&[Access::Look(self.named.object)]);
        let seen = self.with(|value| *value);
        stage::note(format_args!("load {}: {seen:?}", self.named.name));
        seen
    }

    /// Puts another value there.
    pub fn store(&self, new: T) {
        stage::point(&[Access::Change(self.named.object)]);
        self.with(|value| *value = new);
        stage::note(format_args!("store {}: {new:?}", self.named.name));
        stage::changed();
    }

    /// Makes another value of it, in one step, and says which it was before.
    pub fn update(&self, make: impl FnOnce(T) -> T) -> T {
        stage::point(&[Access::Change(self.named.object)]);
        let (old, new) = self.with(|value| {
            let old = *value;
            *value = make(old);
            (old, *value)
        });
        stage::note(format_args!("update {}: {old:?} to {new:?}", self.named.name));
        stage::changed();
        old
    }

    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A mutex. Who finds it locked is blocked until it is unlocked. A panic does not poison it.
#[derive(Debug)]
pub struct Mutex<T> {
    named: Named,
    value: sync::Mutex<T>,
}

/// Unlocks when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    value: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    /// Of this name, around this value.
    pub fn new(name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Mutex { named: Named::new("mutex", name.into()), value: sync::Mutex::new(value) }
    }

    /// Locks it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            stage::block();
        }
    }

    /// Locks it if nobody has.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        stage::point(&[Access::Change(self.named.object)]);
        let value = match self.value.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(value)) => Some(value.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let went = if value.is_some() { "" } else { ": would block" };
        stage::note(format_args!("lock {}{went}", self.named.name));
        if value.is_some() {
            stage::claimed();
        }
        value.map(|value| MutexGuard { mutex: self, value: Some(value) })
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("locked until dropped")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("locked until dropped")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // Unlocked already by who waits on a condition.
        if self.value.is_some() {
            stage::point(&[Access::Change(self.mutex.named.object)]);
            self.value = None;
            stage::note(format_args!("unlock {}", self.mutex.named.name));
            stage::changed();
        }
    }
}

/// A condition variable. It wakes in the order of waiting, and nobody for nothing.
#[derive(Debug)]
pub struct Condvar {
    named: Named,
    waiting: sync::Mutex<Waiting>,
}

/// Those who wait, each by a number of its own.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    queue: VecDeque<u64>,
}

impl Condvar {
    /// Of this name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Condvar { named: Named::new("condition", name.into()), waiting: sync::Mutex::default() }
    }

    /// Unlocks, waits to be woken, and locks again.
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let (mutex, name) = (guard.mutex, &self.named.name);
        stage::point(&[Access::Change(self.named.object), Access::Change(mutex.named.object)]);
        let ticket = self.with(|waiting| {
            waiting.next += 1;
            waiting.queue.push_back(waiting.next);
            waiting.next
        });
        guard.value = None;
        drop(guard);
        stage::note(format_args!("wait {name}: unlocks {}", mutex.named.name));
        stage::changed();
        loop {
            stage::point(&[Access::Change(self.named.object)]);
            let waits = self.with(|waiting| waiting.queue.contains(&ticket));
            stage::note(format_args!("wait {name}: {}", if waits { "would block" } else { "woken" }));
            if !waits {
                return mutex.lock();
            }
            stage::block();
        }
    }

    /// Wakes the one that has waited longest, if anybody waits.
    pub fn notify_one(&self) {
        self.notify("one", |queue| {
            queue.pop_front();
        });
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.notify("all", VecDeque::clear);
    }

    fn notify(&self, whom: &str, wake: impl FnOnce(&mut VecDeque<u64>)) {
        stage::point(&[Access::Change(self.named.object)]);
        self.with(|waiting| wake(&mut waiting.queue));
        stage::note(format_args!("notify {}: {whom}", self.named.name));
        stage::changed();
    }

    fn with<R>(&self, act: impl FnOnce(&mut Waiting) -> R) -> R {
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
