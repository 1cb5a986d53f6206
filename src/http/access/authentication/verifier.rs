//! Passwords are tried here, on threads of their own, and right ones remembered: [`Verifier`].
//!
//! # How it works
//! A hash keeps a processor busy for a twentieth of a second, and somebody else decides how many come. So at most as
//! many are tried at a time as there are processors but one, one at a time for who may be the same guesser, and few
//! wait. A try counts as a wrong one when it begins, and no longer when it was right: however many come at once, no more
//! are tried than may be guessed. A thread that has begun ends, whether or not its client is still there, and does what
//! follows from the outcome itself.

use std::{collections::HashMap, path::Path, sync::Arc, thread, time::Duration};

use parking_lot::Mutex;
use ring::hmac::{self, HMAC_SHA256, Key};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore, oneshot},
    time::Instant,
};

use super::password_file::User;
use crate::http::{
    access::guesses::{Guesser, Guesses},
    refusal::Refusal,
};

/// How long a right password is remembered. Longer keeps more of them, shorter hashes more often.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many are remembered. The memory is bounded; who is forgotten is hashed once more.
const MOST_REMEMBERED: usize = 10_000;
/// How many may wait to be tried. More would wait longer than anybody does.
const MOST_WAITING: usize = 64;

/// Tries passwords.
#[derive(Debug)]
pub(super) struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of this process: nobody can make a mark without it.
    key: Key,
    /// When right passwords are forgotten, by their marks.
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
    guesses: Arc<Guesses<Guesser>>,
    /// Of those whose passwords are tried or wait.
    turns: Mutex<HashMap<Guesser, Arc<AsyncMutex<()>>>>,
    waiting: Semaphore,
    threads: Arc<Semaphore>,
}

/// A password that a client has sent for a name.
pub(super) struct Trial<'a> {
    pub(super) guesser: Guesser,
    pub(super) file: &'a Path,
    pub(super) name: &'a str,
    pub(super) password: &'a [u8],
    /// Whose hash it is tried on: `None` if there is none to be had.
    pub(super) user: Option<&'a Arc<User>>,
    /// Whether that is the user of the name, and not another that stands in for it.
    pub(super) is_known: bool,
    /// Whether it may be tried: what a page of another has its browser send is not, for it could guess, or have the
    /// user held.
    pub(super) may_try: bool,
}

/// A turn, until it is dropped.
struct Turn {
    inner: Arc<Inner>,
    guesser: Guesser,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = self.inner.turns.lock();
        let is_last = |turn: &Arc<AsyncMutex<()>>| Arc::strong_count(turn) == 1;
        if turns.get(&self.guesser).is_some_and(is_last) {
            turns.remove(&self.guesser);
        }
    }
}

impl Verifier {
    pub(super) fn new(guesses: Arc<Guesses<Guesser>>) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let key: [u8; 32] = rand::random();
        Verifier(Arc::new(Inner {
            key: Key::new(HMAC_SHA256, &key),
            remembered: Mutex::default(),
            guesses,
            turns: Mutex::default(),
            waiting: Semaphore::new(MOST_WAITING),
            threads: Arc::new(Semaphore::new(processors.saturating_sub(1).max(1))),
        }))
    }

    /// A number for a name, by which nobody can tell anything of it.
    pub(super) fn number(&self, name: &str) -> u64 {
        let mark = hmac::sign(&self.0.key, name.as_bytes());
        mark.as_ref()
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Whether a password is right.
    ///
    /// # Errors
    /// 429 while its guesser is held, 503 when too many wait.
    ///
    /// Cancel safe: yes; what has begun to be tried goes on, and counts.
    pub(super) async fn verify(&self, trial: Trial<'_>) -> Result<bool, Refusal> {
        let inner = &self.0;
        let number = self.number(trial.name);
        inner.check(&trial.guesser)?;
        let mark = inner.mark(&trial);
        if mark.is_some_and(|mark| inner.remembers(&mark)) {
            if trial.may_try {
                inner.guesses.forgive(&trial.guesser, number, None);
            }
            return Ok(true);
        }
        if !trial.may_try {
            return Ok(false);
        }
        let Some(user) = trial.user.filter(|user| user.hash.may_be(trial.password)) else {
            inner.guesses.count_try(trial.guesser, Some(number));
            return Ok(false);
        };
        let waiting = inner
            .waiting
            .try_acquire()
            .map_err(|_| Refusal::PasswordsWait)?;
        let turn = inner.turn(&trial.guesser).await;
        // What came before in the same turn may have told.
        inner.check(&trial.guesser)?;
        if mark.is_some_and(|mark| inner.remembers(&mark)) {
            inner.guesses.forgive(&trial.guesser, number, None);
            return Ok(true);
        }
        let permit = Arc::clone(&inner.threads).acquire_owned().await;
        drop(waiting);
        let own = inner.guesses.count_try(trial.guesser.clone(), Some(number));
        let (user, password) = (Arc::clone(user), trial.password.to_owned());
        let (answer, answered) = oneshot::channel();
        let trying = move || {
            let is_right = user.hash.verify(&password) && mark.is_some();
            if let Some(mark) = mark.filter(|_| is_right) {
                turn.inner.guesses.forgive(&turn.guesser, number, Some(own));
                turn.inner.remember(mark);
            }
            drop((turn, permit));
            let _ = answer.send(is_right);
        };
        let started = thread::Builder::new()
            .name("password".to_owned())
            .spawn(trying);
        started.map_err(|_| Refusal::PasswordsWait)?;
        answered.await.map_err(|_| Refusal::PasswordsWait)
    }
}

impl Inner {
    fn check(&self, guesser: &Guesser) -> Result<(), Refusal> {
        let held = self.guesses.check(guesser);
        held.map_err(|held| Refusal::PasswordsHeld(held.0))
    }

    async fn turn(self: &Arc<Self>, guesser: &Guesser) -> Turn {
        // Before the wait, so that who gives it up leaves nothing behind.
        let mut turn = Turn {
            inner: Arc::clone(self),
            guesser: guesser.clone(),
            guard: None,
        };
        let lock = Arc::clone(self.turns.lock().entry(guesser.clone()).or_default());
        turn.guard = Some(lock.lock_owned().await);
        turn
    }

    /// What a right password is remembered by: it is another for another file, name or line. `None` for a name that there
    /// is not.
    fn mark(&self, trial: &Trial<'_>) -> Option<[u8; 32]> {
        let user = trial.user.filter(|_| trial.is_known)?;
        let mut signing = hmac::Context::with_key(&self.key);
        for part in [
            trial.file.as_os_str().as_encoded_bytes(),
            trial.name.as_bytes(),
        ] {
            signing.update(part);
            signing.update(&[0]);
        }
        signing.update(&user.digest);
        signing.update(trial.password);
        let mut mark = [0; 32];
        mark.copy_from_slice(signing.sign().as_ref());
        Some(mark)
    }

    fn remembers(&self, mark: &[u8; 32]) -> bool {
        let remembered = self.remembered.lock();
        remembered
            .get(mark)
            .is_some_and(|until| *until > Instant::now())
    }

    fn remember(&self, mark: [u8; 32]) {
        let now = Instant::now();
        let mut remembered = self.remembered.lock();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, until| *until > now);
        }
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(mark, now + REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::access::authentication::password_file::Users;
    use std::time::Duration;

    const ALICE: &str = "alice:$2y$04$Jk8LnN2vmuIplwJMTxS/duj.jHRDEahYwQgMd20AaBVsjLo5gp8O6";

    fn verifier() -> (Verifier, Arc<Guesses<Guesser>>) {
        let guesses = Arc::default();
        (Verifier::new(Arc::clone(&guesses)), guesses)
    }

    async fn verify(verifier: &Verifier, name: &str, password: &str) -> Result<bool, u16> {
        let users = Users::try_from(ALICE.as_bytes()).expect("users");
        let known = users.find(name);
        let trial = Trial {
            guesser: Guesser::Name(1),
            file: Path::new("users"),
            name,
            password: password.as_bytes(),
            user: known.or_else(|| users.stand_in(0)),
            is_known: known.is_some(),
            may_try: true,
        };
        let outcome = verifier.verify(trial).await;
        outcome.map_err(|refusal| refusal.status().as_u16())
    }

    #[tokio::test]
    async fn right_password_is_remembered_and_no_other() {
        let (verifier, _) = verifier();
        assert_eq!(verify(&verifier, "alice", "secret").await, Ok(true));
        assert_eq!(verifier.0.remembered.lock().len(), 1);
        assert_eq!(verify(&verifier, "alice", "Secret").await, Ok(false));
        // The hash of another name says nothing of one that there is not.
        assert_eq!(verify(&verifier, "carol", "secret").await, Ok(false));
        assert_eq!(verify(&verifier, "alice", "secret").await, Ok(true));
        assert_eq!(verifier.0.remembered.lock().len(), 1);
    }

    #[tokio::test]
    async fn remembered_password_forgives_what_was_wrong_for_its_name() {
        let (verifier, guesses) = verifier();
        assert_eq!(verify(&verifier, "alice", "secret").await, Ok(true));
        for _ in 0..3 {
            for _ in 0..4 {
                assert_eq!(verify(&verifier, "alice", "Secret").await, Ok(false));
            }
            assert_eq!(verify(&verifier, "alice", "secret").await, Ok(true));
        }
        assert!(guesses.check(&Guesser::Name(1)).is_ok());
    }

    #[tokio::test]
    async fn turns_leave_nothing_behind_also_where_the_wait_is_given_up() {
        let (verifier, _) = verifier();
        let guesser = Guesser::Name(1);
        let first = verifier.0.turn(&guesser).await;
        let second = tokio::time::timeout(Duration::from_millis(1), verifier.0.turn(&guesser));
        assert!(second.await.is_err());
        assert_eq!(verifier.0.turns.lock().len(), 1);
        drop(first);
        assert!(verifier.0.turns.lock().is_empty());
    }

    #[tokio::test]
    async fn of_many_at_once_five_are_tried() {
        let (verifier, guesses) = verifier();
        let tries = (0..20).map(|number| {
            let verifier = &verifier;
            async move { verify(verifier, "alice", &format!("wrong{number}")).await }
        });
        let outcomes = futures_util::future::join_all(tries).await;
        let count = |wanted| outcomes.iter().filter(|other| **other == wanted).count();
        assert_eq!((count(Ok(false)), count(Err(429))), (5, 15), "{outcomes:?}");
        assert!(guesses.check(&Guesser::Name(1)).is_err());
    }

    #[tokio::test]
    async fn who_finds_too_many_waiting_is_sent_away() {
        let (verifier, _) = verifier();
        let all = verifier.0.waiting.try_acquire_many(MOST_WAITING as u32);
        assert!(all.is_ok());
        assert_eq!(verify(&verifier, "alice", "secret").await, Err(503));
        drop(all);
        assert_eq!(verify(&verifier, "alice", "secret").await, Ok(true));
    }
}
