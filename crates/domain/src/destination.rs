//! Where webhooks may go: an operator's rules, and without any the internet.
//!
//! Names are judged as they stand in a webhook's address, addresses as they are dialled. Deny
//! always wins. Where there is an allow list, nothing else is dialled. Private networks open only
//! by [`Destinations::allow_private`] or by a rule that names just them; a rule with a name opens
//! nothing that is private, for the name's owner decides what it means.

use crate::address::{AddressClass, classify, classify_network};
use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::net::IpAddr;
use url::Host;

/// Ports of web servers.
const WEB_PORTS: [u16; 2] = [80, 443];
/// Below this port only those of [`WEB_PORTS`] are open: mail, shells and such are not.
const FIRST_OPEN_PORT: u16 = 1024;

/// Hosts, or a network, at one port or at any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    place: Place,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Just this name; in lower case, without a dot at its end.
    Host(Box<str>),
    /// All names that end with a dot and this one.
    Below(Box<str>),
    /// Addresses; those of IPv4 never in IPv6 clothes.
    Network(IpNet),
}

impl Rule {
    /// From `shop.example`, `*.shop.example`, `10.1.2.3`, `10.1.2.0/24`, `fd00::/64` or, with a
    /// port, `shop.example:8443`, `10.1.2.0/24:8443`, `[fd00::/64]:8443`. None for any other form.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(network) = network(text.trim_matches(['[', ']'])) {
            let bracketed = text.starts_with('[') && text.ends_with(']');
            let bare = !text.contains(['[', ']']);
            let place = Place::Network(network);
            return (bare || bracketed).then_some(Self { place, port: None });
        }
        let (place, port) = match text.rsplit_once(':') {
            Some((place, port)) => (place, Some(port_number(port)?)),
            None => (text, None),
        };
        let inside = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let place = if let Some(inside) = inside {
            Place::Network(network(inside)?)
        } else if let Some(network) = network(place) {
            // `fd00::1:80` would be read as one address, so that a port needs brackets.
            Place::Network(network)
        } else if let Some(name) = place.strip_prefix("*.") {
            Place::Below(host(name)?)
        } else {
            Place::Host(host(place)?)
        };
        Some(Self { place, port })
    }

    /// Whether it is about addresses that are never dialled, whatever a rule says.
    pub fn is_in_vain(&self) -> bool {
        match &self.place {
            Place::Network(network) => {
                classify_network(*network).is_some_and(|class| openness(class) == Openness::Never)
            }
            Place::Host(_) | Place::Below(_) => false,
        }
    }

    fn is_of_names(&self) -> bool {
        match self.place {
            Place::Host(_) | Place::Below(_) => true,
            Place::Network(_) => false,
        }
    }

    fn has_name(&self, name: &str, port: u16) -> bool {
        let in_place = match &self.place {
            Place::Host(host) => **host == *name,
            Place::Below(host) => {
                name.strip_suffix(&**host).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            Place::Network(_) => false,
        };
        in_place && self.port.is_none_or(|own| own == port)
    }

    fn has_address(&self, address: IpAddr, port: u16) -> bool {
        let in_place = match &self.place {
            Place::Network(network) => network.contains(&address),
            Place::Host(_) | Place::Below(_) => false,
        };
        in_place && self.port.is_none_or(|own| own == port)
    }

    /// Whether it names private addresses and nothing else, or one single address.
    fn opens_private(&self) -> bool {
        match &self.place {
            Place::Network(network) => {
                network.prefix_len() == network.max_prefix_len()
                    || classify_network(*network)
                        .is_some_and(|class| openness(class) == Openness::WhenAllowed)
            }
            Place::Host(_) | Place::Below(_) => false,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::Host(name) => name.to_string(),
            Place::Below(name) => format!("*.{name}"),
            Place::Network(network) => {
                let one = network.prefix_len() == network.max_prefix_len();
                let text = if one { network.addr().to_string() } else { network.to_string() };
                let bracketed = self.port.is_some() && network.addr().is_ipv6();
                if bracketed { format!("[{text}]") } else { text }
            }
        };
        match self.port {
            Some(port) => write!(f, "{place}:{port}"),
            None => f.write_str(&place),
        }
    }
}

/// Decimal digits only, and not 0.
fn port_number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|port| *port != 0)
}

/// A network in CIDR form, or one address.
fn network(text: &str) -> Option<IpNet> {
    let network: IpNet =
        text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))?;
    let mapped = match network {
        IpNet::V4(_) => None,
        IpNet::V6(v6) => {
            let prefix = v6.prefix_len().checked_sub(96);
            prefix.and_then(|prefix| Ipv4Net::new(v6.addr().to_ipv4_mapped()?, prefix).ok())
        }
    };
    Some(mapped.map_or(network, IpNet::V4).trunc())
}

/// A host's name in the form that addresses have once they were read.
fn host(text: &str) -> Option<Box<str>> {
    if text.contains(['*', '%']) {
        return None;
    }
    match Host::parse(text).ok()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            (!name.split('.').any(str::is_empty)).then(|| name.into())
        }
        // Another spelling of an address.
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// When addresses of a class are dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Openness {
    Always,
    WhenAllowed,
    Never,
}

const fn openness(class: AddressClass) -> Openness {
    match class {
        AddressClass::Public => Openness::Always,
        AddressClass::Loopback | AddressClass::Private | AddressClass::Shared => {
            Openness::WhenAllowed
        }
        // Where clouds keep credentials, among others.
        AddressClass::LinkLocal
        | AddressClass::Unspecified
        | AddressClass::Translated
        | AddressClass::Documentation
        | AddressClass::Benchmarking
        | AddressClass::Multicast
        | AddressClass::Reserved => Openness::Never,
    }
}

/// An address that is about to be dialled.
#[derive(Clone, Copy, Debug)]
pub struct Dialled<'a> {
    /// The name that it was found by; none when a webhook's address has it as a number.
    pub name: Option<&'a str>,
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// Whether the address is one of this machine's own.
    pub own: bool,
}

/// Where webhooks may go.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// Lets loopback, private and shared addresses through, and any port. For demos and closed
    /// networks. Link-local addresses stay shut.
    pub allow_private: bool,
    /// When not empty, all that may be dialled. A rule for a private network opens it, and a rule
    /// with a port below 1024 opens that.
    pub allow: Vec<Rule>,
    /// What must not be dialled, whatever else is said.
    pub deny: Vec<Rule>,
}

impl Destinations {
    /// Whether it makes sense to ask what a name means: nothing that can be said before forbids it.
    pub fn may_resolve(&self, name: &str, port: u16) -> bool {
        let name = plain(name);
        let denied = self.deny.iter().any(|rule| rule.has_name(&name, port));
        let listed = self.allow.is_empty()
            || self.allow.iter().any(|rule| !rule.is_of_names() || rule.has_name(&name, port));
        let open = self.is_open(port) || self.allow.iter().any(|rule| rule.port == Some(port));
        !denied && listed && open
    }

    /// Whether this address may be dialled at this port.
    pub fn may_dial(&self, dialled: Dialled<'_>) -> bool {
        let Dialled { name, address, port, own } = dialled;
        let name = name.map(plain);
        let address = address.to_canonical();
        let is_meant = |rule: &&Rule| {
            name.as_ref().is_some_and(|name| rule.has_name(name, port))
                || rule.has_address(address, port)
        };
        if self.deny.iter().any(|rule| is_meant(&rule)) {
            return false;
        }
        let allowing: Vec<&Rule> = self.allow.iter().filter(is_meant).collect();
        if allowing.is_empty() && !self.allow.is_empty() {
            return false;
        }
        if !self.is_open(port) && allowing.iter().all(|rule| rule.port.is_none()) {
            return false;
        }
        let opened = self.allow_private || allowing.iter().any(|rule| rule.opens_private());
        match openness(classify(address)) {
            // What listens on this machine may trust it, apart from web servers: a merchant's own
            // may well be one of them.
            Openness::Always => !own || WEB_PORTS.contains(&port) || opened,
            Openness::WhenAllowed => opened,
            Openness::Never => false,
        }
    }

    fn is_open(&self, port: u16) -> bool {
        self.allow_private || port >= FIRST_OPEN_PORT || WEB_PORTS.contains(&port)
    }
}

/// A name as rules have it.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<Rule> {
        texts.iter().map(|text| Rule::parse(text).unwrap()).collect()
    }

    fn guard(allow: &[&str], deny: &[&str]) -> Destinations {
        Destinations { allow_private: false, allow: rules(allow), deny: rules(deny) }
    }

    /// `name=address:port`, or without the name. Resolved first when there is a name.
    fn dials(guard: &Destinations, text: &str) -> bool {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) => (Some(name), rest),
            None => (None, text),
        };
        let socket: std::net::SocketAddr = rest.parse().unwrap();
        let (address, port) = (socket.ip(), socket.port());
        name.is_none_or(|name| guard.may_resolve(name, port))
            && guard.may_dial(Dialled { name, address, port, own: false })
    }

    #[track_caller]
    fn judged(guard: &Destinations, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(dials(guard, text), "{text} must be dialled");
        }
        for text in no {
            assert!(!dials(guard, text), "{text} must not be dialled");
        }
    }

    #[test]
    fn rules_have_few_forms_and_print_as_they_are_read() {
        for (text, printed) in [
            ("shop.example", "shop.example"),
            ("Shop.Example.", "shop.example"),
            ("*.shop.example", "*.shop.example"),
            ("b\u{fc}cher.example:8443", "xn--bcher-kva.example:8443"),
            ("localhost", "localhost"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/24", "10.1.2.0/24"),
            ("10.1.2.0/24:8443", "10.1.2.0/24:8443"),
            ("10.1.2.3:443", "10.1.2.3:443"),
            ("fd00::1", "fd00::1"),
            ("[fd00::1]", "fd00::1"),
            ("fd00::/8", "fd00::/8"),
            ("[fd00::/8]:443", "[fd00::/8]:443"),
            ("[fd00::1]:443", "[fd00::1]:443"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("0.0.0.0/0:5432", "0.0.0.0/0:5432"),
        ] {
            let rule = Rule::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(rule.to_string(), printed);
            assert_eq!(Rule::parse(printed), Some(rule), "{printed}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "*.*.example",
            "shop.*",
            "shop*.example",
            ".shop.example",
            "shop..example",
            "https://shop.example",
            "shop.example/hook",
            "user@shop.example",
            "shop.example:",
            "shop.example:0",
            "shop.example:+80",
            "shop.example:65536",
            "shop.example:https",
            "shop example",
            "sh%6fp.example",
            "127.1",
            "0x7f000001",
            "2130706433",
            "10.0.0.0/33",
            "10.0.0.256",
            "[10.0.0.1",
            "fd00::1]",
            "[shop.example]:80",
            "[]:80",
            "fe80::1%eth0",
        ] {
            assert_eq!(Rule::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn without_rules_only_the_internet_is_open() {
        let none = guard(&[], &[]);
        let no = ["10.0.0.1:443", "127.0.0.1:80", "100.64.0.1:80", "169.254.169.254:80"];
        judged(&none, &["8.8.8.8:443", "a.example=8.8.8.8:80", "[2606:4700::1]:8443"], &no);
        judged(&none, &["8.8.8.8:1024"], &["8.8.8.8:22", "a.example=8.8.8.8:25", "8.8.8.8:1023"]);
        judged(&none, &["[::ffff:8.8.8.8]:80"], &["[::ffff:10.0.0.1]:80", "[64:ff9b::808:808]:80"]);
        let private = Destinations { allow_private: true, ..none };
        judged(&private, &["10.0.0.1:25", "127.0.0.1:80"], &["169.254.169.254:80", "0.0.0.0:80"]);
    }

    #[test]
    fn deny_wins_by_name_by_address_and_by_port() {
        let denied = guard(
            &["*.shop.example", "8.8.0.0/16", "bad.example"],
            &["bad.example", "*.bad.shop.example", "8.8.4.0/24", "0.0.0.0/0:5432"],
        );
        judged(
            &denied,
            &["a.shop.example=1.1.1.1:443", "8.8.8.8:443", "x.example=8.8.8.8:443"],
            &[
                "bad.example=8.8.8.8:443",
                "BAD.example.=8.8.8.8:443",
                "a.bad.shop.example=1.1.1.1:443",
                "a.shop.example=8.8.4.4:443",
                "[::ffff:8.8.4.4]:443",
                "8.8.8.8:5432",
            ],
        );
        let private = Destinations { allow_private: true, ..guard(&[], &["10.0.0.0/8"]) };
        judged(&private, &["192.168.0.1:80"], &["10.1.1.1:80", "[::ffff:10.1.1.1]:80"]);
    }

    #[test]
    fn an_allow_list_is_all_there_is() {
        let listed = guard(&["shop.example", "*.shop.example:8443", "1.1.1.1"], &[]);
        judged(
            &listed,
            &[
                "shop.example=8.8.8.8:443",
                "shop.example.=8.8.8.8:9000",
                "a.b.shop.example=8.8.8.8:8443",
                "1.1.1.1:443",
                "other.example=1.1.1.1:443",
            ],
            &[
                "8.8.8.8:443",
                "other.example=8.8.8.8:443",
                "a.shop.example=8.8.8.8:443",
                "xshop.example=8.8.8.8:8443",
                "my-shop.example=8.8.8.8:8443",
                "shop.example.rival.example=8.8.8.8:8443",
                "shop.example=10.0.0.1:443",
                "shop.example=169.254.169.254:80",
                "shop.example=8.8.8.8:22",
            ],
        );
        // Nobody asks for a name that cannot be meant.
        let named = guard(&["shop.example"], &[]);
        assert!(named.may_resolve("shop.example", 443) && !named.may_resolve("o.example", 443));
    }

    #[test]
    fn a_rule_for_a_private_network_opens_it_and_a_wide_one_opens_nothing() {
        let closed = guard(&["10.1.2.0/24", "fd00::/64", "127.0.0.1"], &["10.1.2.9"]);
        judged(
            &closed,
            &["10.1.2.3:443", "shop.internal=10.1.2.3:8080", "[fd00::5]:80", "127.0.0.1:9000"],
            &["10.1.3.3:443", "10.1.2.9:443", "10.1.2.3:25", "[fd01::5]:80", "8.8.8.8:443"],
        );
        let wide = guard(&["0.0.0.0/0", "::/0", "8.0.0.0/5", "*.example"], &[]);
        judged(&wide, &["8.8.8.8:443", "[2606:4700::1]:80"], &["10.1.2.3:443", "[fd00::1]:80"]);
        judged(&wide, &[], &["shop.example=127.0.0.1:443", "169.254.169.254:80"]);
        let with_port = guard(&["10.1.2.0/24:25", "mail.example:587", "8.8.8.8"], &[]);
        judged(
            &with_port,
            &["10.1.2.3:25", "mail.example=1.1.1.1:587"],
            &["10.1.2.3:443", "mail.example=1.1.1.1:25", "8.8.8.8:587", "8.8.8.8:25"],
        );
    }

    #[test]
    fn rules_for_what_is_never_dialled_are_in_vain() {
        for never in ["169.254.169.254", "169.254.0.0/16", "fe80::/10", "0.0.0.0", "64:ff9b::/96"] {
            assert!(rules(&[never])[0].is_in_vain(), "{never}");
            let address = never.split('/').next().unwrap();
            let socket = std::net::SocketAddr::new(address.parse().unwrap(), 80);
            judged(&guard(&[never], &[]), &[], &[&socket.to_string()]);
        }
        for may in ["10.0.0.0/8", "8.8.8.8", "0.0.0.0/0", "::/0", "shop.example", "127.0.0.1"] {
            assert!(!rules(&[may])[0].is_in_vain(), "{may}");
        }
    }

    #[test]
    fn of_this_machine_only_web_servers_are_met_by_a_public_address() {
        let own = |guard: &Destinations, port| {
            let address = IpAddr::from([8, 8, 8, 8]);
            guard.may_dial(Dialled { name: Some("shop.example"), address, port, own: true })
        };
        let none = guard(&[], &[]);
        assert!(own(&none, 443) && own(&none, 80) && !own(&none, 9003) && !own(&none, 5432));
        assert!(own(&Destinations { allow_private: true, ..none }, 9003));
        assert!(own(&guard(&["8.8.8.8"], &[]), 9003) && !own(&guard(&["8.8.8.0/24"], &[]), 9003));
    }
}
