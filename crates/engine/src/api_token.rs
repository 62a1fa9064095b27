//! API tokens: made and ended by people, shown by their scripts.

use crate::actor::Actor;
use crate::changeset::{Changeset, DeskChange, TokenChange};
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::terminal::{Denied, admitted};
use crate::user::{UserRefused, printable_of};
use domain::api_token::{
    ApiToken, TOKEN_PREFIX, TOKENS_OF_USER, TokenFacts, TokenRefused, TokenScope, expires_at,
};
use domain::id::TerminalNumber;
use domain::secret::SecretText;
use domain::terminal::{Mode, Terminal};
use domain::text::TextError;
use domain::user::{Permission, User};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A token's use is written at most this often.
const USED_PERIOD: Duration = Duration::from_mins(1);
/// Most characters of a token's name.
pub const TOKEN_NAME_MOST: usize = 60;

/// What somebody wants a token for.
#[derive(Clone, Debug)]
pub struct WantedToken {
    /// What they call it.
    pub name: String,
    /// For test money or for real money.
    pub mode: Mode,
    /// What it is to be used for.
    pub scopes: Vec<TokenScope>,
    /// For how many days: one of [`domain::api_token::TOKEN_DAYS`].
    pub days: u32,
}

/// Why a token opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum TokenDenied {
    /// There is no such token.
    #[error("no such token")]
    Unknown,
    /// It does not open this.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
    /// The terminal is another merchant's, or refuses.
    #[error(transparent)]
    Terminal(#[from] Denied),
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A token that opens what was asked for.
#[derive(Debug)]
pub struct Opened {
    /// Who asks, by the token.
    pub actor: Actor,
    /// Of which money.
    pub mode: Mode,
}

impl Gateway {
    /// Makes a token that may do no more than its user. It is told once and kept nowhere.
    pub async fn make_token(
        &self,
        actor: Actor,
        user: &User,
        wanted: WantedToken,
    ) -> Result<(ApiToken, SecretText), UserRefused> {
        let merchant = user.merchant.ok_or(UserRefused::Role)?;
        let name = printable_of(&wanted.name, TOKEN_NAME_MOST)
            .ok_or(TextError("name the token in 1 to 60 printable characters"))?;
        if wanted.scopes.is_empty() {
            return Err(TextError("choose what the token may be used for").into());
        }
        if wanted.scopes.iter().any(|scope| !user.facts.role.may(scope.needs())) {
            return Err(UserRefused::Role);
        }
        let now = self.now();
        let expires_at = expires_at(now, wanted.days)
            .ok_or(TextError("choose for how many days it is to be good"))?;
        let all = self.desks.tokens(merchant).await.map_err(Fault::from)?;
        if all.iter().filter(|token| token.user == user.id).count() >= TOKENS_OF_USER {
            return Err(UserRefused::TooMany("you have 20 tokens: end one first"));
        }
        let secret = SecretText::new(format!("{TOKEN_PREFIX}{}", self.new_link_secret().reveal()));
        let mut scopes = wanted.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        let token = ApiToken {
            digest: self.token_digest(secret.reveal()),
            user: user.id,
            merchant,
            facts: TokenFacts { name, mode: wanted.mode, scopes },
            created_at: now,
            expires_at,
            used_at: None,
        };
        let line = self.done(actor, "make_token", told(&token));
        let change = DeskChange::Token(TokenChange::Made(token.clone()));
        self.store.commit(Changeset::desk("make_token", change, Some(line))).await?;
        Ok((token, secret))
    }

    /// Ends a token, by its [`ApiToken::id`]: one's own, or anybody's for who changes the team.
    pub async fn end_token(
        &self,
        actor: Actor,
        user: &User,
        id: &str,
    ) -> Result<ApiToken, UserRefused> {
        let may_all = user.facts.role.may(Permission::EditTeam);
        let all = self.tokens(user).await?;
        let found = all.into_iter().find(|token| token.id() == id);
        let token = found.ok_or(UserRefused::Unknown)?;
        if token.user != user.id && !may_all {
            return Err(UserRefused::Unknown);
        }
        let line = self.done(actor, "end_token", told(&token));
        let change = DeskChange::Token(TokenChange::Ended { digest: token.digest });
        self.store.commit(Changeset::desk("end_token", change, Some(line))).await?;
        Ok(token)
    }

    /// The tokens of the merchant whom somebody works for, the newest first; of operators, none.
    pub async fn tokens(&self, user: &User) -> Result<Vec<ApiToken>, Fault> {
        match user.merchant {
            Some(merchant) => Ok(self.desks.tokens(merchant).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Who asks with this token for something in this scope. Its use is noted.
    pub async fn open_by_token(
        &self,
        text: &str,
        scope: TokenScope,
        caller: Option<IpAddr>,
    ) -> Result<Opened, TokenDenied> {
        let now = self.now();
        let found = self.desks.token(self.token_digest(text)).await.map_err(Fault::from)?;
        let (token, user) = found.ok_or(TokenDenied::Unknown)?;
        token.opens(scope, &user, now)?;
        let merchant = token.merchant;
        let actor = Actor::User { user: user.id, merchant: Some(merchant), caller };
        // A merchant who may not work does not by token either.
        let known = self.merchant(actor, merchant).await?;
        if !known.is_some_and(|merchant| merchant.active) {
            return Err(Denied::Inactive.into());
        }
        if token.used_at.is_none_or(|used| now >= used.plus(USED_PERIOD)) {
            let used = TokenChange::Used { digest: token.digest, at: now };
            let changeset = Changeset::desk("use_token", DeskChange::Token(used), None);
            self.store.commit(changeset).await.map_err(Fault::from)?;
        }
        Ok(Opened { actor, mode: token.facts.mode })
    }

    /// The terminal of this number, for a caller who shows its private key, or a token of its
    /// merchant with this scope; and who asks. A terminal of another merchant is as if it were not
    /// there.
    pub async fn terminal_for_bearer(
        &self,
        number: TerminalNumber,
        (bearer, scope): (&str, TokenScope),
        caller: Option<IpAddr>,
    ) -> Result<(Arc<Terminal>, Actor), TokenDenied> {
        let actor = |terminal: &Terminal, token_of| Actor::Terminal {
            number: terminal.number,
            merchant: terminal.merchant,
            token_of,
            caller,
        };
        if !bearer.starts_with(TOKEN_PREFIX) {
            let found = self.terminal_for_private_key(number, bearer, caller).await?;
            let actor = actor(&found, None);
            return Ok((found, actor));
        }
        let opened = self.open_by_token(bearer, scope, caller).await?;
        let found = self.terminal_by_number(number).await?;
        let own = found.filter(|terminal| opened.actor.merchant() == Some(terminal.merchant));
        let terminal = own.ok_or(Denied::Unknown)?;
        if terminal.mode != opened.mode {
            return Err(TokenRefused::Mode(opened.mode).into());
        }
        let may = terminal.takes_payments();
        let terminal = admitted(terminal, may, caller)?;
        let actor = actor(&terminal, opened.actor.user());
        Ok((terminal, actor))
    }

    fn token_digest(&self, text: &str) -> [u8; 32] {
        self.vault.digest(&[b"API token", text.as_bytes()])
    }
}

/// A token in the audit log: its id and what it opens.
fn told(token: &ApiToken) -> String {
    let scopes: Vec<&str> = token.facts.scopes.iter().map(|scope| scope.name()).collect();
    format!("token {} {} {}", token.id(), token.facts.mode.name(), scopes.join(" "))
}
