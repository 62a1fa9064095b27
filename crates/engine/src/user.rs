//! People: invited, changed and removed; what they keep for themselves.

use crate::actor::Actor;
use crate::changeset::{AuditLine, Changeset, DeskChange};
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::password::{WeakPassword, check_password, step_of_code};
use domain::id::{MerchantId, PaymentId};
use domain::merchant::Merchant;
use domain::secret::SecretText;
use domain::text::TextError;
use domain::time::Timestamp;
use domain::user::{
    Email, INVITATION, Note, PASSWORD_RESET, Role, SAVED_VIEWS, SavedView, User, UserFacts, UserId,
    UserState,
};
use std::collections::BTreeMap;

/// Tries of a change that others overtake.
const TRIES: usize = 8;
/// Most characters of a person's name.
pub const NAME_MOST: usize = 100;

/// Why something about a person was refused.
#[derive(Debug, thiserror::Error)]
pub enum UserRefused {
    /// There is no such user that the caller may see.
    #[error("there is no such user")]
    Unknown,
    /// The link is wrong, was used, or is too old.
    #[error("this link does not work any more: ask for a new one")]
    Link,
    /// Somebody has this address already.
    #[error("somebody with this e-mail address is a user already")]
    EmailTaken,
    /// The caller's role may not do that.
    #[error("your role may not do that")]
    Role,
    /// Nobody would be left who may do everything.
    #[error("a merchant needs an owner: name another one first")]
    LastOwner,
    /// The name is empty or too long.
    #[error("must have 1 to {NAME_MOST} printable characters")]
    Name,
    /// The password is not taken.
    #[error("the password {0}")]
    Password(#[from] WeakPassword),
    /// The one-time code is not that of this moment.
    #[error("the code is not the one that your app shows now")]
    Code,
    /// The password that was typed is not the user's.
    #[error("this is not your password")]
    WrongPassword,
    /// Too many.
    #[error("{0}")]
    TooMany(&'static str),
    /// A text that has not the right form.
    #[error("{0}")]
    Text(#[from] TextError),
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl UserRefused {
    /// What the caller did wrong; our fault apart from it.
    pub fn or_fault(self) -> Result<Self, Fault> {
        if let Self::Fault(fault) = self { Err(fault) } else { Ok(self) }
    }
}

impl From<CommitError> for UserRefused {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Exists("user") => Self::EmailTaken,
            other @ (CommitError::NumberTaken
            | CommitError::ReferenceTaken
            | CommitError::Stale(_)
            | CommitError::KeyInUse(_)
            | CommitError::Exists(_)
            | CommitError::Unbalanced
            | CommitError::Busy
            | CommitError::Unavailable(_)) => Self::Fault(other.into()),
        }
    }
}

/// Whom to invite.
#[derive(Clone, Debug)]
pub struct Invite {
    /// For which merchant they will work; none for the gateway's office.
    pub merchant: Option<MerchantId>,
    /// Where the invitation goes, and what they sign in with.
    pub email: Email,
    /// How they are called; they may change it.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Somebody who was invited, with the secret of the link that lets them in.
#[derive(Debug)]
pub struct Invited {
    /// Who.
    pub user: User,
    /// For the link's address; kept nowhere.
    pub secret: SecretText,
}

/// What somebody who was invited sets.
#[derive(Debug)]
pub struct Accept {
    /// How they are called.
    pub name: String,
    /// What they sign in with.
    pub password: SecretText,
    /// What their authenticator app shows.
    pub code: String,
}

/// What is changed of a merchant; what is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ChangeMerchant {
    /// The name that customers see.
    pub name: Option<String>,
    /// Whether terminals of theirs take payments.
    pub active: Option<bool>,
    /// Whether the operator has looked at them.
    pub approved: Option<bool>,
    /// Why, for the audit log.
    pub reason: Option<String>,
}

fn printable(name: &str) -> Result<String, UserRefused> {
    printable_of(name, NAME_MOST).ok_or(UserRefused::Name)
}

/// A name without the blanks around it, where it has 1 to so many printable characters.
pub(crate) fn printable_of(name: &str, most: usize) -> Option<String> {
    let name = name.trim();
    let length = name.chars().count();
    let fits = length > 0 && length <= most && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

impl Gateway {
    /// The users of a merchant, or of the office (none), who were not removed.
    pub async fn users(
        &self,
        actor: Actor,
        merchant: Option<MerchantId>,
    ) -> Result<Vec<User>, Fault> {
        if merchant.is_none_or(|merchant| !actor.scope().allows(merchant))
            && actor.merchant().is_some()
        {
            return Ok(Vec::new());
        }
        let mut found = self.desks.users(merchant).await?;
        found.retain(|user| user.facts.state != UserState::Removed);
        Ok(found)
    }

    /// How all users of a merchant are called, those who were removed too: for what they did.
    pub async fn user_names(
        &self,
        actor: Actor,
        merchant: MerchantId,
    ) -> Result<BTreeMap<UserId, String>, Fault> {
        if !actor.scope().allows(merchant) {
            return Ok(BTreeMap::new());
        }
        let all = self.desks.users(Some(merchant)).await?;
        Ok(all.into_iter().map(|user| (user.id, user.facts.name)).collect())
    }

    /// A user, if the actor may see them.
    pub async fn user(&self, actor: Actor, id: UserId) -> Result<Option<User>, Fault> {
        let found = self.desks.user(id).await?;
        Ok(found.filter(|user| {
            user.facts.state != UserState::Removed
                && (actor.merchant().is_none() || actor.merchant() == user.merchant)
        }))
    }

    /// A user by what they sign in with, if the actor may see them.
    pub async fn user_by_email(&self, actor: Actor, email: &Email) -> Result<Option<User>, Fault> {
        let found = self.desks.user_by_email(email).await?;
        Ok(found.filter(|user| {
            user.facts.state != UserState::Removed
                && (actor.merchant().is_none() || actor.merchant() == user.merchant)
        }))
    }

    /// Invites somebody. `giver`: the role of who invites.
    pub async fn invite(
        &self,
        actor: Actor,
        giver: Role,
        invite: Invite,
    ) -> Result<Invited, UserRefused> {
        let name = printable(&invite.name)?;
        let own = invite.merchant.is_none_or(|merchant| actor.scope().allows(merchant));
        let fits = (invite.role == Role::Operator) == invite.merchant.is_none();
        if !giver.may_give(invite.role) || !own || !fits {
            return Err(UserRefused::Role);
        }
        if let Some(known) = self.desks.user_by_email(&invite.email).await.map_err(Fault::from)? {
            return self.invite_again((actor, giver), known, invite, name).await;
        }
        let secret = self.new_link_secret();
        for _try in 0..TRIES {
            let now = self.clock.now();
            let id = self.free_user_id()?;
            let totp = self.new_totp_secret();
            let sealed = self.vault.seal_secret("users", &id.to_string(), &totp);
            let user = User {
                id,
                merchant: invite.merchant,
                email: invite.email.clone(),
                link: Some(self.digest_of_secret(secret.reveal())),
                facts: UserFacts {
                    name: name.clone(),
                    role: invite.role,
                    state: UserState::Invited,
                    password: None,
                    sealed_totp: Some(sealed.map_err(Fault::from)?),
                    last_step: 0,
                    recovery: Vec::new(),
                    link_until: Some(now.plus(INVITATION)),
                    invited_by: actor.user(),
                    signed_in_at: None,
                    views: Vec::new(),
                },
                version: 1,
                created_at: now,
            };
            let detail = format!("user {id} as {}", invite.role.name());
            let line = self.done(actor, "invite", detail);
            let line = AuditLine { merchant: invite.merchant, ..line };
            let change = DeskChange::User { user: Box::new(user.clone()), expected_version: None };
            match self.store.commit(Changeset::desk("invite", change, Some(line))).await {
                Ok(()) => return Ok(Invited { user, secret }),
                // The number; an address that was taken meanwhile is found in the next round.
                Err(CommitError::NumberTaken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// A new link for somebody who has not accepted, or was removed.
    async fn invite_again(
        &self,
        (actor, giver): (Actor, Role),
        known: User,
        invite: Invite,
        name: String,
    ) -> Result<Invited, UserRefused> {
        if known.facts.state == UserState::Active || known.merchant != invite.merchant {
            return Err(UserRefused::EmailTaken);
        }
        // Whoever was invited has that role already, as if they had accepted.
        if known.facts.state == UserState::Invited && !giver.may_give(known.facts.role) {
            return Err(UserRefused::Role);
        }
        let secret = self.new_link_secret();
        let link = self.digest_of_secret(secret.reveal());
        let until = self.clock.now().plus(INVITATION);
        let totp = self.new_totp_secret();
        let sealed = self.vault.seal_secret("users", &known.id.to_string(), &totp);
        let sealed = sealed.map_err(Fault::from)?;
        let user = self
            .update_user(actor, ("invite", known.id), |mut user| {
                user.link = Some(link);
                user.facts.link_until = Some(until);
                user.facts.state = UserState::Invited;
                user.facts.role = invite.role;
                user.facts.name.clone_from(&name);
                user.facts.password = None;
                user.facts.sealed_totp = Some(sealed.clone());
                user.facts.recovery = Vec::new();
                Ok(user)
            })
            .await?;
        Ok(Invited { user, secret })
    }

    /// Random, so that numbers tell nobody how many users there are.
    fn free_user_id(&self) -> Result<UserId, Fault> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        // 48 bits: exact in every JSON reader.
        let number = i64::from_be_bytes(bytes) & 0xffff_ffff_ffff;
        if number > 0 { Ok(UserId(number)) } else { Err(Fault::Busy) }
    }

    /// Somebody who follows the link they were sent; none when it does not work.
    pub async fn user_by_link(&self, secret: &str) -> Result<Option<User>, Fault> {
        let found = self.desks.user_by_link(self.digest_of_secret(secret)).await?;
        Ok(found.filter(|user| user.link_works(self.clock.now())))
    }

    /// The shared secret of a user's one-time codes.
    pub fn totp_secret(&self, user: &User) -> Result<zeroize::Zeroizing<Vec<u8>>, Fault> {
        let sealed = user.facts.sealed_totp.as_deref();
        let sealed =
            sealed.ok_or_else(|| Fault::Broken(format!("user {} has no codes", user.id)))?;
        Ok(self.vault.open_secret("users", &user.id.to_string(), sealed)?)
    }

    /// Somebody who was invited sets name, password and codes. Gives the recovery codes, which
    /// are shown once.
    pub async fn accept_invitation(
        &self,
        secret: &str,
        accept: Accept,
    ) -> Result<(User, Vec<String>), UserRefused> {
        let user = self.user_by_link(secret).await?.ok_or(UserRefused::Link)?;
        if user.facts.state != UserState::Invited {
            return Err(UserRefused::Link);
        }
        let name = printable(&accept.name)?;
        check_password(accept.password.reveal(), &user.email)?;
        let now = self.clock.now();
        let step = step_of_code(&self.totp_secret(&user)?, &accept.code, now);
        let step = step.ok_or(UserRefused::Code)?;
        let password = self.hash_password(&accept.password).await?;
        let (codes, digests) = self.new_recovery_codes();
        let actor = Actor::User { user: user.id, merchant: user.merchant, caller: None };
        let user = self
            .update_user(actor, ("accept_invitation", user.id), |mut changed| {
                if changed.version != user.version {
                    return Err(UserRefused::Link);
                }
                changed.link = None;
                changed.facts.link_until = None;
                changed.facts.state = UserState::Active;
                changed.facts.name.clone_from(&name);
                changed.facts.password = Some(password.clone());
                changed.facts.last_step = step;
                changed.facts.recovery.clone_from(&digests);
                Ok(changed)
            })
            .await?;
        Ok((user, codes))
    }

    /// A link to a new password, for an address that signs in; none for any other.
    pub async fn begin_password_reset(&self, email: &Email) -> Result<Option<Invited>, Fault> {
        let found = self.desks.user_by_email(email).await?;
        let Some(user) = found.filter(User::signs_in) else { return Ok(None) };
        let secret = self.new_link_secret();
        let link = self.digest_of_secret(secret.reveal());
        let until = self.clock.now().plus(PASSWORD_RESET);
        let actor = Actor::Holder { caller: None };
        let changed = self
            .update_user(actor, ("begin_password_reset", user.id), |mut user| {
                user.link = Some(link);
                user.facts.link_until = Some(until);
                Ok(user)
            })
            .await;
        match changed {
            Ok(user) => Ok(Some(Invited { user, secret })),
            Err(UserRefused::Fault(fault)) => Err(fault),
            Err(_removed_meanwhile) => Ok(None),
        }
    }

    /// Sets a new password by the link, and ends all sessions. One-time codes stay as they are.
    pub async fn reset_password(
        &self,
        secret: &str,
        password: &SecretText,
    ) -> Result<User, UserRefused> {
        let user = self.user_by_link(secret).await?.filter(User::signs_in);
        let user = user.ok_or(UserRefused::Link)?;
        check_password(password.reveal(), &user.email)?;
        let hash = self.hash_password(password).await?;
        let actor = Actor::User { user: user.id, merchant: user.merchant, caller: None };
        let changed = self
            .update_user(actor, ("reset_password", user.id), |mut changed| {
                if changed.version != user.version {
                    return Err(UserRefused::Link);
                }
                changed.link = None;
                changed.facts.link_until = None;
                changed.facts.password = Some(hash.clone());
                Ok(changed)
            })
            .await?;
        self.end_sessions(actor, user.id, None).await?;
        Ok(changed)
    }

    /// A user changes their own password; their other sessions end.
    pub async fn change_password(
        &self,
        actor: Actor,
        (user, session): (&User, [u8; 32]),
        (old, new): (&SecretText, &SecretText),
    ) -> Result<(), UserRefused> {
        self.prove_password(user, old).await?;
        check_password(new.reveal(), &user.email)?;
        let hash = self.hash_password(new).await?;
        self.update_user(actor, ("change_password", user.id), |mut changed| {
            changed.facts.password = Some(hash.clone());
            Ok(changed)
        })
        .await?;
        Ok(self.end_sessions(actor, user.id, Some(session)).await?)
    }

    /// New recovery codes instead of those before.
    pub async fn renew_recovery_codes(
        &self,
        actor: Actor,
        user: UserId,
    ) -> Result<Vec<String>, UserRefused> {
        let (codes, digests) = self.new_recovery_codes();
        self.update_user(actor, ("renew_recovery_codes", user), |mut changed| {
            changed.facts.recovery.clone_from(&digests);
            Ok(changed)
        })
        .await?;
        Ok(codes)
    }

    /// Changes somebody's role; `giver` is the role of who does it.
    pub async fn change_role(
        &self,
        actor: Actor,
        giver: Role,
        (id, role): (UserId, Role),
    ) -> Result<User, UserRefused> {
        let user = self.user(actor, id).await?.ok_or(UserRefused::Unknown)?;
        let fits = (role == Role::Operator) == user.merchant.is_none();
        if !giver.may_give(role) || !giver.may_give(user.facts.role) || !fits {
            return Err(UserRefused::Role);
        }
        if role != Role::Owner {
            self.check_other_owner(&user).await?;
        }
        self.update_user(actor, ("change_role", id), |mut changed| {
            changed.facts.role = role;
            Ok(changed)
        })
        .await
    }

    /// Takes somebody's access away, and ends their sessions.
    pub async fn remove_user(
        &self,
        actor: Actor,
        giver: Role,
        id: UserId,
    ) -> Result<User, UserRefused> {
        let user = self.user(actor, id).await?.ok_or(UserRefused::Unknown)?;
        if !giver.may_give(user.facts.role) {
            return Err(UserRefused::Role);
        }
        self.check_other_owner(&user).await?;
        let removed = self
            .update_user(actor, ("remove_user", id), |mut changed| {
                changed.facts.state = UserState::Removed;
                changed.facts.password = None;
                changed.link = None;
                Ok(changed)
            })
            .await?;
        self.end_sessions(actor, id, None).await?;
        Ok(removed)
    }

    async fn check_other_owner(&self, user: &User) -> Result<(), UserRefused> {
        let stays = user.facts.role != Role::Owner && user.facts.role != Role::Operator;
        if stays || user.facts.state != UserState::Active {
            return Ok(());
        }
        let all = self.desks.users(user.merchant).await.map_err(Fault::from)?;
        let other = all.iter().any(|other| {
            other.id != user.id && other.facts.role == user.facts.role && other.signs_in()
        });
        if other { Ok(()) } else { Err(UserRefused::LastOwner) }
    }

    /// Keeps a list's question under a name, or forgets it (none).
    pub async fn save_view(
        &self,
        actor: Actor,
        user: UserId,
        name: &str,
        query: Option<String>,
    ) -> Result<User, UserRefused> {
        let name = printable(name)?;
        self.update_user(actor, ("save_view", user), |mut changed| {
            changed.facts.views.retain(|view| view.name != name);
            if let Some(query) = &query {
                if changed.facts.views.len() >= SAVED_VIEWS {
                    return Err(UserRefused::TooMany("at most 20 views can be saved"));
                }
                changed.facts.views.push(SavedView { name: name.clone(), query: query.clone() });
            }
            Ok(changed)
        })
        .await
    }

    pub(crate) async fn update_user(
        &self,
        actor: Actor,
        (name, id): (&'static str, UserId),
        change: impl Fn(User) -> Result<User, UserRefused> + Send + Sync,
    ) -> Result<User, UserRefused> {
        for _try in 0..TRIES {
            let found = self.desks.user(id).await.map_err(Fault::from)?;
            let found = found.ok_or(UserRefused::Unknown)?;
            let version = found.version;
            let mut changed = change(found)?;
            changed.version = version.saturating_add(1);
            let detail = format!("user {id} as {}", changed.facts.role.name());
            let line = AuditLine { merchant: changed.merchant, ..self.done(actor, name, detail) };
            let user = Box::new(changed.clone());
            let change = DeskChange::User { user, expected_version: Some(version) };
            match self.store.commit(Changeset::desk(name, change, Some(line))).await {
                Ok(()) => return Ok(changed),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// Writes something about a payment that the actor may see; false when there is none.
    pub async fn add_note(
        &self,
        actor: Actor,
        payment: PaymentId,
        (author, text): (&str, &str),
    ) -> Result<bool, UserRefused> {
        let text = text.trim();
        let length = text.chars().count();
        let odd = text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t');
        if length == 0 || length > Note::MAX || odd {
            return Err(TextError("must be 1 to 2000 characters").into());
        }
        let Some(found) = self.payment(actor, payment).await? else { return Ok(false) };
        let note = Note {
            merchant: found.merchant,
            payment,
            at: self.clock.now(),
            author: author.to_owned(),
            text: text.to_owned(),
        };
        let line = self.done(actor, "add_note", payment.to_string());
        let line = AuditLine { merchant: Some(found.merchant), ..line };
        let changeset = Changeset::desk("add_note", DeskChange::Note(note), Some(line));
        self.store.commit(changeset).await?;
        Ok(true)
    }

    /// What was written about a payment that the actor may see.
    pub async fn notes(&self, actor: Actor, payment: PaymentId) -> Result<Vec<Note>, Fault> {
        match self.payment(actor, payment).await? {
            Some(found) => Ok(self.desks.notes(found.merchant, payment).await?),
            None => Ok(Vec::new()),
        }
    }

    /// A merchant that the actor may see.
    pub async fn merchant(&self, actor: Actor, id: MerchantId) -> Result<Option<Merchant>, Fault> {
        let all = self.store.merchants().await?;
        Ok(all.into_iter().find(|one| one.id == id && actor.scope().allows(id)))
    }

    /// Changes a merchant. None when there is none that the actor may see.
    pub async fn change_merchant(
        &self,
        actor: Actor,
        id: MerchantId,
        change: ChangeMerchant,
    ) -> Result<Option<Merchant>, UserRefused> {
        let name = change.name.as_deref().map(printable).transpose()?;
        for _try in 0..TRIES {
            let Some(found) = self.merchant(actor, id).await? else { return Ok(None) };
            let changed = Merchant {
                name: name.clone().unwrap_or_else(|| found.name.clone()),
                active: change.active.unwrap_or(found.active),
                approved: change.approved.unwrap_or(found.approved),
                version: found.version.saturating_add(1),
                ..found
            };
            let words = [
                name.as_ref().map(|_| "name"),
                change.active.map(|active| if active { "active" } else { "suspended" }),
                change.approved.map(|approved| if approved { "approved" } else { "in review" }),
            ];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            let why = change.reason.as_deref().map(|reason| format!(": {reason}"));
            let detail = format!("merchant {id} {}{}", words.join(" "), why.unwrap_or_default());
            let line = self.done(actor, "change_merchant", detail);
            let line = AuditLine { merchant: Some(id), ..line };
            let desk =
                DeskChange::Merchant { merchant: changed.clone(), expected_version: found.version };
            match self.store.commit(Changeset::desk("change_merchant", desk, Some(line))).await {
                Ok(()) => return Ok(Some(changed)),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// Lines of the audit log that the actor may see, the newest first.
    pub async fn audit_log(
        &self,
        actor: Actor,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<crate::ports::AuditEntry>, Fault> {
        Ok(self.desks.audit_lines(actor.scope(), before, limit).await?)
    }

    /// Tells the audit log that somebody took a list along as this file.
    pub async fn audit_export(&self, actor: Actor, file: &str) {
        self.audit(self.done(actor, "export", file.to_owned())).await;
    }

    /// Tells the audit log that somebody was refused.
    pub async fn audit_refusal(&self, actor: Actor, action: &'static str, detail: String) {
        let line = self.done(actor, action, detail);
        self.audit(AuditLine { result: "refused", ..line }).await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
