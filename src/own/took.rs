//! What a closure that takes a lock may return: a guard, or a guard unless.

use std::any::Any;
use std::cell::Cell;
use std::error::Error;
use std::io;

/// A guard, and what it takes to give the lock back: drop it. `None` when somebody else has the lock.
pub type Guard = Option<Box<dyn Any>>;

/// What a closure has returned. Which of the traits below fits is found out where its type is known,
/// in the macro: rustc prefers the one with the most `&`.
pub struct Took<T>(Cell<Option<T>>);

impl<T> Took<T> {
    /// This.
    pub fn new(took: T) -> Self {
        Took(Cell::new(Some(took)))
    }

    fn take(&self) -> T {
        self.0.take().expect("taken once")
    }
}

/// A guard or an error; a guard or nothing.
pub trait Known {
    /// # Errors
    /// The one that the closure returned.
    fn guard(&self) -> io::Result<Guard>;
}

/// A guard or something that is not an error.
pub trait Unknown {
    /// # Errors
    /// That it was one.
    fn guard(&self) -> io::Result<Guard>;
}

/// A guard.
pub trait Plain {
    /// # Errors
    /// Never.
    fn guard(&self) -> io::Result<Guard>;
}

impl<G: 'static, E: Into<Box<dyn Error + Send + Sync>>> Known for &&Took<Result<G, E>> {
    fn guard(&self) -> io::Result<Guard> {
        not_held(self.take().map_err(|why| plain(why.into())))
    }
}

impl<G: 'static> Known for &&Took<Option<G>> {
    fn guard(&self) -> io::Result<Guard> {
        Ok(self.take().map(|guard| Box::new(guard) as Box<dyn Any>))
    }
}

impl<G: 'static, E> Unknown for &Took<Result<G, E>> {
    fn guard(&self) -> io::Result<Guard> {
        let guard = self.take().map_err(|_| io::Error::other("it returned an error"))?;
        Ok(Some(Box::new(guard)))
    }
}

impl<G: 'static> Plain for Took<G> {
    fn guard(&self) -> io::Result<Guard> {
        Ok(Some(Box::new(self.take())))
    }
}

/// What a try may return: a bool, an option, or one of these unless it failed.
pub trait Tried {
    /// What the release gets.
    type Token: 'static;

    /// `None` when somebody else has it.
    ///
    /// # Errors
    /// What kept it from being tried.
    fn token(self) -> io::Result<Option<Self::Token>>;
}

impl Tried for bool {
    type Token = ();
    fn token(self) -> io::Result<Option<()>> {
        Ok(self.then_some(()))
    }
}

impl<T: 'static> Tried for Option<T> {
    type Token = T;
    fn token(self) -> io::Result<Option<T>> {
        Ok(self)
    }
}

impl<T: Tried> Tried for io::Result<T> {
    type Token = T::Token;
    fn token(self) -> io::Result<Option<T::Token>> {
        self?.token()
    }
}

/// What a release may return: nothing, or an error.
pub trait Released {
    /// # Errors
    /// The one that it returned.
    fn done(self) -> io::Result<()>;
}

impl Released for () {
    fn done(self) -> io::Result<()> {
        Ok(())
    }
}

impl Released for io::Result<()> {
    fn done(self) -> io::Result<()> {
        self
    }
}

/// What opens a lock may return: the lock, or an error.
pub trait Opened {
    /// What it opens.
    type Lock: crate::lock::Lock + 'static;

    /// # Errors
    /// The one that it returned.
    fn opened(self) -> io::Result<Self::Lock>;
}

impl<L: crate::lock::Lock + 'static> Opened for L {
    type Lock = L;
    fn opened(self) -> io::Result<L> {
        Ok(self)
    }
}

impl<L: crate::lock::Lock + 'static> Opened for io::Result<L> {
    type Lock = L;
    fn opened(self) -> io::Result<L> {
        self
    }
}

pub(super) fn not_held<G: 'static>(took: io::Result<G>) -> io::Result<Guard> {
    match took {
        Ok(guard) => Ok(Some(Box::new(guard))),
        Err(why) if why.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(why) => Err(why),
    }
}

fn plain(why: Box<dyn Error + Send + Sync>) -> io::Error {
    why.downcast::<io::Error>().map_or_else(io::Error::other, |why| *why)
}
