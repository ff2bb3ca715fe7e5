//! A closure that one thread lends to others for as long as a call of its own lasts.

use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is lent: it may borrow from whoever lends it.
type Act<'a, I, O> = dyn FnMut(&I) -> O + Send + 'a;

/// A place where a closure is lent to threads that live longer than what it borrows, as scoped threads
/// would get it. Whoever borrows it has it alone.
pub struct Lent<I, O> {
    at: Mutex<Option<NonNull<Act<'static, I, O>>>>,
}

// SAFETY: what the address leads to is Send, and used under the mutex only.
unsafe impl<I, O> Send for Lent<I, O> {}
// SAFETY: as above.
unsafe impl<I, O> Sync for Lent<I, O> {}

impl<I, O> Default for Lent<I, O> {
    fn default() -> Self {
        Lent { at: Mutex::new(None) }
    }
}

impl<I, O> Lent<I, O> {
    /// Lends `act` while `during` runs. Waits for whoever still uses it at the end.
    pub fn lend<R>(&self, act: &mut Act<'_, I, O>, during: impl FnOnce() -> R) -> R {
        /// Takes it back, even if `during` panics.
        struct Back<'a, I, O>(&'a Lent<I, O>);
        impl<I, O> Drop for Back<'_, I, O> {
            fn drop(&mut self) {
                *self.0.place() = None;
            }
        }
        // SAFETY: a fat reference, of which only the lifetime changes. It is not used past the real
        // one: `back` takes it out of its place before this call ends, under the mutex under which
        // alone it is used.
        let act = unsafe { std::mem::transmute::<&mut Act<'_, I, O>, &mut Act<'static, I, O>>(act) };
        *self.place() = Some(NonNull::from(act));
        let _back = Back(self);
        during()
    }

    /// Calls what is lent now, if anything is.
    pub fn call(&self, input: &I) -> Option<O> {
        let place = self.place();
        let mut act = (*place)?;
        // SAFETY: it is in its place, so `lend` has not ended; the mutex is held, so nobody else uses it.
        Some(unsafe { act.as_mut() }(input))
    }

    fn place(&self) -> MutexGuard<'_, Option<NonNull<Act<'static, I, O>>>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_is_lent_for_one_call() {
        let lent = Lent::<u32, u32>::default();
        let mut sum = 0;
        let mut add = |number: &u32| {
            sum += number;
            sum
        };
        let got = lent.lend(&mut add, || {
            std::thread::scope(|scope| {
                let threads = [1, 2, 3].map(|number| {
                    scope.spawn({
                        let lent = &lent;
                        move || lent.call(&number)
                    })
                });
                threads.map(|thread| thread.join().unwrap().unwrap())
            })
        });
        assert_eq!((sum, got.into_iter().max()), (6, Some(6)));
        assert_eq!(lent.call(&1), None, "it was taken back");
    }

    #[test]
    fn a_panic_takes_it_back() {
        let lent = Lent::<u32, u32>::default();
        let ended =
            std::panic::catch_unwind(|| lent.lend(&mut |n| *n, || std::panic::resume_unwind(Box::new(()))));
        assert!(ended.is_err() as u8 == 1 && lent.call(&1).is_none());
    }
}
