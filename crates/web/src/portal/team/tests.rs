use crate::desk::harness::{House, STRANGER};
use domain::user::{Role, UserId};
use http::StatusCode;

const TEAM: &str = "/portal/team";

fn of(user: UserId, action: &str) -> String {
    format!("{TEAM}/{user}/{action}")
}

#[tokio::test]
async fn the_team_is_seen_without_others() {
    let house = House::new().await;
    let page = house.get(Role::Finance, TEAM).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Developer &#60;u&#62;of&#60;/u&#62;"), "{}", page.body);
    assert!(!page.body.contains("<u>of") && !page.body.contains(&format!("user{STRANGER}@")));
    assert!(!page.body.contains("Invite somebody") && !page.body.contains("/remove"));
    assert_eq!(house.get(Role::Support, TEAM).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_invitation_is_mailed() {
    let house = House::new().await;
    let invite = format!("{TEAM}/invite");
    let fields = [("email", "New@Shop.example"), ("name", "<b>New</b>"), ("role", "support")];
    let sent = house.post(Role::Admin, &invite, &fields).await;
    assert_eq!(sent.location(), "/portal/team?notice=invited");
    let mails = house.mails.0.lock().unwrap().clone();
    assert_eq!(mails[0].to, "new@shop.example");
    assert!(mails[0].text.contains("https://pay.example/account/invitation/"));
    let page = house.get(Role::Admin, TEAM).await;
    assert!(page.body.contains("Send a new link") && !page.body.contains("<b>New"));
}

#[tokio::test]
async fn an_invitation_with_mistakes_is_shown_again() {
    let house = House::new().await;
    let invite = format!("{TEAM}/invite");
    let taken = "user200@people.example";
    for (email, name, role, field) in [
        ("new", "New", "support", "email"),
        ("new@shop.example", "", "support", "name"),
        ("new@shop.example", "New", "operator", "role"),
        ("new@shop.example", "New", "owner", "role"),
        (taken, "New", "support", "email"),
    ] {
        let fields = [("email", email), ("name", name), ("role", role)];
        let wrong = house.post(Role::Admin, &invite, &fields).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{email} {role}");
        assert!(wrong.body.contains(&format!("id=\"{field}-error\"")), "{field}");
        assert!(wrong.body.contains(&format!("value=\"{email}\"")));
    }
    assert!(house.mails.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_invited_owner_is_invited_again_by_owners_only() {
    let house = House::new().await;
    let invite = format!("{TEAM}/invite");
    let owner = [("email", "boss@shop.example"), ("name", "Boss"), ("role", "owner")];
    let sent = house.post(Role::Owner, &invite, &owner).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let admin = [("email", "boss@shop.example"), ("name", "Boss"), ("role", "admin")];
    let wrong = house.post(Role::Admin, &invite, &admin).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.mails.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn roles_are_given_and_taken_by_those_who_may() {
    let house = House::new().await;
    let finance = house.user(Role::Finance);
    let changed = house.post(Role::Admin, &of(finance, "role"), &[("role", "support")]).await;
    assert_eq!(changed.location(), "/portal/team?notice=role-changed");
    assert_eq!(house.get(Role::Finance, TEAM).await.status, StatusCode::FORBIDDEN);
    let owner = house.user(Role::Owner);
    for (user, action) in [(finance, "role"), (owner, "role"), (owner, "remove")] {
        let wrong = house.post(Role::Admin, &of(user, action), &[("role", "owner")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{action}");
    }
    let own = house.post(Role::Owner, &of(owner, "remove"), &[]).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY);
    for action in ["role", "remove"] {
        let fields = [("role", "support")];
        let foreign = house.post(Role::Owner, &of(STRANGER, action), &fields).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
        let developer = house.post(Role::Developer, &of(finance, action), &fields).await;
        assert_eq!(developer.status, StatusCode::FORBIDDEN);
    }
    let removed = house.post(Role::Admin, &of(finance, "remove"), &[]).await;
    assert_eq!(removed.location(), "/portal/team?notice=user-removed");
    assert_eq!(
        house.get(Role::Finance, "/portal/test/webhooks").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn the_audit_log_names_people() {
    let house = House::new().await;
    let finance = house.user(Role::Finance);
    house.post(Role::Admin, &of(finance, "role"), &[("role", "support")]).await;
    house.post(Role::Owner, &of(finance, "remove"), &[]).await;
    let page = house.get(Role::Owner, "/portal/audit").await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["Change a role", "Remove somebody", "Admin &#60;u&#62;", "Finance &#60;u&#62;"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("<u>of"));
    let older = house.get(Role::Owner, "/portal/audit?before=1").await;
    assert!(older.body.contains("There is nothing older"));
    assert_eq!(house.get(Role::Finance, "/portal/audit").await.status, StatusCode::SEE_OTHER);
    assert_eq!(house.get(Role::Developer, "/portal/audit").await.status, StatusCode::FORBIDDEN);
}
