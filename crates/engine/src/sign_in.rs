//! Signing in, sessions, and typing the password again.

use crate::actor::Actor;
use crate::changeset::{AuditLine, Changeset, DeskChange};
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::password::step_of_code;
use crate::user::UserRefused;
use domain::secret::SecretText;
use domain::time::Timestamp;
use domain::user::{Email, SESSION_ABSOLUTE, Session, TRIES_FORGOTTEN, User, UserId, rest_after};
use std::net::IpAddr;
use std::time::Duration;

/// A session's use is written at most this often.
const SEEN_PERIOD: Duration = Duration::from_mins(1);
/// Most characters that are kept of what a browser calls itself.
const AGENT_MOST: usize = 200;

/// What somebody types to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// Their address.
    pub email: Email,
    /// Their password.
    pub password: SecretText,
    /// What their app shows, or one of their recovery codes.
    pub code: String,
    /// From which network address.
    pub caller: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: String,
}

/// Somebody who signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The secret of the session's cookie; kept nowhere.
    pub secret: SecretText,
}

/// Why somebody did not get in.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefused {
    /// Address, password or code is wrong; which is not told.
    #[error("address, password or code is wrong")]
    Wrong,
    /// Too many wrong tries for this address, whether or not somebody has it.
    #[error("too many tries: wait until it rests no more")]
    Resting {
        /// Until when.
        until: Timestamp,
    },
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Gateway {
    /// Begins a session. A wrong address, password or code are told alike and take as long.
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<SignedIn, SignInRefused> {
        let now = self.now();
        let tries = self.tries(&sign_in.email, now).await?;
        let found = self.desks.user_by_email(&sign_in.email).await.map_err(Fault::from)?;
        let user = found.filter(User::signs_in);
        let stored = user.as_ref().and_then(|user| user.facts.password.as_deref());
        let right = self.is_password(stored, &sign_in.password).await?;
        let proof = match &user {
            Some(user) if right => self.proof_of_code(user, &sign_in.code, now)?,
            Some(_) | None => None,
        };
        let (Some(user), Some(proof)) = (user, proof) else {
            self.note_wrong_try(&sign_in, tries, now).await?;
            return Err(SignInRefused::Wrong);
        };
        let caller = sign_in.caller;
        let actor = Actor::User { user: user.id, merchant: user.merchant, caller };
        let changed = self
            .update_user(actor, ("sign_in", user.id), |mut changed| {
                // Two browsers with one code: the second is as wrong as a stranger.
                if !proof.take(&mut changed) || !changed.signs_in() {
                    return Err(UserRefused::Code);
                }
                changed.facts.signed_in_at = Some(now);
                Ok(changed)
            })
            .await;
        let user = match changed {
            Ok(user) => user,
            Err(UserRefused::Fault(fault)) => return Err(fault.into()),
            Err(_taken) => return Err(SignInRefused::Wrong),
        };
        if tries > 0 {
            self.forget_tries(&sign_in.email, now).await?;
        }
        let secret = self.new_link_secret();
        let session = Session {
            digest: self.digest_of_secret(secret.reveal()),
            user: user.id,
            created_at: now,
            seen_at: now,
            proved_at: now,
            caller: caller.map(|caller| caller.to_string()).unwrap_or_default(),
            agent: sign_in.agent.chars().filter(|c| !c.is_control()).take(AGENT_MOST).collect(),
        };
        let change = DeskChange::SessionBegun(session);
        let begun = self.store.commit(Changeset::desk("begin_session", change, None)).await;
        begun.map_err(Fault::from)?;
        Ok(SignedIn { user, secret })
    }

    /// How many wrong tries there were in a row, unless the address rests.
    async fn tries(&self, email: &Email, now: Timestamp) -> Result<u32, SignInRefused> {
        let key = self.tries_key(email);
        let known = self.desks.sign_in_tries(key).await.map_err(Fault::from)?;
        let Some((tries, last)) = known else { return Ok(0) };
        let until = last.plus(rest_after(tries));
        if now < until {
            return Err(SignInRefused::Resting { until });
        }
        Ok(if now >= last.plus(TRIES_FORGOTTEN) { 0 } else { tries })
    }

    async fn note_wrong_try(
        &self,
        sign_in: &SignIn,
        tries: u32,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let tries = tries.saturating_add(1);
        let change = DeskChange::SignInTries { key: self.tries_key(&sign_in.email), tries, at };
        let actor = Actor::Holder { caller: sign_in.caller };
        let line = self.done(actor, "sign_in", format!("wrong try {tries} in a row"));
        let line = AuditLine { result: "refused", ..line };
        Ok(self.store.commit(Changeset::desk("sign_in", change, Some(line))).await?)
    }

    async fn forget_tries(&self, email: &Email, at: Timestamp) -> Result<(), Fault> {
        let change = DeskChange::SignInTries { key: self.tries_key(email), tries: 0, at };
        Ok(self.store.commit(Changeset::desk("sign_in", change, None)).await?)
    }

    fn tries_key(&self, email: &Email) -> [u8; 32] {
        self.vault.digest(&[b"sign-in tries", email.as_str().as_bytes()])
    }

    fn proof_of_code(
        &self,
        user: &User,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Proof>, Fault> {
        let secret = self.totp_secret(user)?;
        if let Some(step) = step_of_code(&secret, code, now) {
            return Ok((step > user.facts.last_step).then_some(Proof::Step(step)));
        }
        let digest = self.recovery_digest(code);
        let known = user.facts.recovery.iter().filter(|one| **one == digest).count() > 0;
        Ok(known.then_some(Proof::Recovery(digest)))
    }

    /// The session of a cookie, while it is not over. Its use is noted.
    pub async fn session(&self, secret: &str) -> Result<Option<(Session, User)>, Fault> {
        let now = self.now();
        let found = self.desks.session(self.digest_of_secret(secret)).await?;
        let Some((session, user)) = found else { return Ok(None) };
        if session.is_over(now) || !user.signs_in() {
            return Ok(None);
        }
        if now >= session.seen_at.plus(SEEN_PERIOD) {
            let change = DeskChange::SessionSeen { digest: session.digest, at: now, proved: false };
            self.store.commit(Changeset::desk("use_session", change, None)).await?;
        }
        Ok(Some((session, user)))
    }

    /// The password again, before keys are shown or much money goes back. Wrong ones count as
    /// those of strangers do.
    pub async fn prove_again(
        &self,
        actor: Actor,
        (session, user): (&Session, &User),
        password: SecretText,
    ) -> Result<(), UserRefused> {
        self.prove_password(user, &password).await?;
        let change =
            DeskChange::SessionSeen { digest: session.digest, at: self.now(), proved: true };
        let line = self.done(actor, "prove_password", String::new());
        Ok(self.store.commit(Changeset::desk("prove_password", change, Some(line))).await?)
    }

    pub(crate) async fn prove_password(
        &self,
        user: &User,
        password: &SecretText,
    ) -> Result<(), UserRefused> {
        let now = self.now();
        let tries = match self.tries(&user.email, now).await {
            Ok(tries) => tries,
            Err(SignInRefused::Fault(fault)) => return Err(fault.into()),
            Err(SignInRefused::Wrong | SignInRefused::Resting { .. }) => {
                return Err(UserRefused::TooMany("too many wrong passwords: wait some minutes"));
            }
        };
        if self.is_password(user.facts.password.as_deref(), password).await? {
            if tries > 0 {
                self.forget_tries(&user.email, now).await?;
            }
            return Ok(());
        }
        let wrong = SignIn {
            email: user.email.clone(),
            password: SecretText::new(String::new()),
            code: String::new(),
            caller: None,
            agent: String::new(),
        };
        self.note_wrong_try(&wrong, tries, now).await?;
        Err(UserRefused::WrongPassword)
    }

    /// Ends a session.
    pub async fn sign_out(&self, actor: Actor, digest: [u8; 32]) -> Result<(), Fault> {
        let line = self.done(actor, "sign_out", String::new());
        let change = DeskChange::SessionEnded { digest };
        Ok(self.store.commit(Changeset::desk("sign_out", change, Some(line))).await?)
    }

    /// Ends all sessions of a user but one.
    pub async fn end_sessions(
        &self,
        actor: Actor,
        user: UserId,
        except: Option<[u8; 32]>,
    ) -> Result<(), Fault> {
        let line = self.done(actor, "end_sessions", format!("user {user}"));
        let change = DeskChange::SessionsEnded { user, except };
        Ok(self.store.commit(Changeset::desk("end_sessions", change, Some(line))).await?)
    }

    /// The sessions of a user that are not over, the newest first.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Fault> {
        let now = self.now();
        let mut found = self.desks.sessions(user).await?;
        found.retain(|session| !session.is_over(now));
        Ok(found)
    }

    /// Forgets sessions that are over, and calls that are old.
    pub(crate) async fn forget_desk_rows(&self) -> Result<(), Fault> {
        let now = self.now();
        let changeset = Changeset {
            name: "forget_desk_rows",
            desk: vec![
                DeskChange::SessionsForgotten { before: now.minus(SESSION_ABSOLUTE) },
                DeskChange::CallsForgotten { before: now.minus(domain::api_call::CALLS_KEPT) },
            ],
            ..Changeset::default()
        };
        Ok(self.store.commit(changeset).await?)
    }
}

/// What proved that somebody has their device.
enum Proof {
    /// A code of this time step.
    Step(i64),
    /// A recovery code, by its digest.
    Recovery(Vec<u8>),
}

impl Proof {
    /// Uses it up; false when it was used before.
    fn take(&self, user: &mut User) -> bool {
        match self {
            Self::Step(step) => {
                let is_new = *step > user.facts.last_step;
                user.facts.last_step = user.facts.last_step.max(*step);
                is_new
            }
            Self::Recovery(digest) => {
                let before = user.facts.recovery.len();
                user.facts.recovery.retain(|one| one != digest);
                user.facts.recovery.len() < before
            }
        }
    }
}
