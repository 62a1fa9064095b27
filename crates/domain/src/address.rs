//! Which network addresses webhooks may be sent to.
//!
//! Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its successors).
//! An IPv6 address is public only inside `2000::/3`, the one block IANA hands out as global
//! unicast, so that a range nobody thought of is refused and not reached.

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is, and with it why it is no public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// A server on the internet.
    Public,
    /// "This host" or "this network": 0.0.0.0/8 and `::`. Linux dials itself by it.
    Unspecified,
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, and the unique local addresses of RFC 4193.
    Private,
    /// Shared address space of carriers, also used by overlay networks (RFC 6598).
    Shared,
    /// The same link, where clouds keep their metadata service; site-local addresses as well.
    LinkLocal,
    /// IPv4 inside IPv6 by a gateway (NAT64, 6to4, Teredo): what it reaches cannot be judged here.
    Translated,
    /// Kept for documents (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// Kept for measuring network devices (RFC 2544).
    Benchmarking,
    /// Many receivers at once, broadcast included.
    Multicast,
    /// Anything else that is no address of a server.
    Reserved,
}

impl AddressClass {
    /// Why a webhook may or may not go there, for an operator's log.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "an address of shared address space",
            Self::LinkLocal => "a link-local address",
            Self::Translated => "an address behind a translator",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

const fn v4(
    a: u8,
    b: u8,
    c: u8,
    prefix: u32,
    class: AddressClass,
) -> (Ipv4Addr, u32, AddressClass) {
    (Ipv4Addr::new(a, b, c, 0), prefix, class)
}

/// Network, length of its prefix in bits, class. The first match decides; no match is public.
const IPV4: [(Ipv4Addr, u32, AddressClass); 16] = [
    v4(0, 0, 0, 8, AddressClass::Unspecified),
    v4(10, 0, 0, 8, AddressClass::Private),
    v4(100, 64, 0, 10, AddressClass::Shared),
    v4(127, 0, 0, 8, AddressClass::Loopback),
    v4(169, 254, 0, 16, AddressClass::LinkLocal),
    v4(172, 16, 0, 12, AddressClass::Private),
    v4(192, 0, 0, 24, AddressClass::Reserved),
    v4(192, 0, 2, 24, AddressClass::Documentation),
    // 6to4 relays (RFC 7526).
    v4(192, 88, 99, 24, AddressClass::Translated),
    v4(192, 168, 0, 16, AddressClass::Private),
    v4(198, 18, 0, 15, AddressClass::Benchmarking),
    v4(198, 51, 100, 24, AddressClass::Documentation),
    v4(203, 0, 113, 24, AddressClass::Documentation),
    v4(224, 0, 0, 4, AddressClass::Multicast),
    (Ipv4Addr::BROADCAST, 32, AddressClass::Multicast),
    v4(240, 0, 0, 4, AddressClass::Reserved),
];

const fn v6(
    a: u16,
    b: u16,
    c: u16,
    prefix: u32,
    class: AddressClass,
) -> (Ipv6Addr, u32, AddressClass) {
    (Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix, class)
}

/// As [`IPV4`], but no match is reserved.
const IPV6: [(Ipv6Addr, u32, AddressClass); 17] = [
    (Ipv6Addr::UNSPECIFIED, 128, AddressClass::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, AddressClass::Loopback),
    // NAT64: the well-known prefix (RFC 6052) and the local one (RFC 8215).
    v6(0x64, 0xff9b, 0, 96, AddressClass::Translated),
    v6(0x64, 0xff9b, 1, 48, AddressClass::Translated),
    // Discard-only (RFC 6666).
    v6(0x100, 0, 0, 64, AddressClass::Reserved),
    // Teredo, then the other protocol assignments around it, of which none is a server.
    v6(0x2001, 0, 0, 32, AddressClass::Translated),
    v6(0x2001, 2, 0, 48, AddressClass::Benchmarking),
    v6(0x2001, 0, 0, 23, AddressClass::Reserved),
    v6(0x2001, 0xdb8, 0, 32, AddressClass::Documentation),
    v6(0x2002, 0, 0, 16, AddressClass::Translated),
    v6(0x3fff, 0, 0, 20, AddressClass::Documentation),
    v6(0x2000, 0, 0, 3, AddressClass::Public),
    // Segment routing (RFC 9602).
    v6(0x5f00, 0, 0, 16, AddressClass::Reserved),
    v6(0xfc00, 0, 0, 7, AddressClass::Private),
    v6(0xfe80, 0, 0, 10, AddressClass::LinkLocal),
    v6(0xfec0, 0, 0, 10, AddressClass::LinkLocal),
    v6(0xff00, 0, 0, 8, AddressClass::Multicast),
];

/// What kind of place this address is. An IPv4 address written as an IPv6 one is judged as the
/// IPv4 address that it is.
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    IPV4.iter()
        .find(|(network, prefix, _)| {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
        })
        .map_or(AddressClass::Public, |(_, _, class)| *class)
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return classify_v4(mapped);
    }
    // Also IPv4-compatible ones (`::/96`, RFC 4291), long out of use, match nothing.
    IPV6.iter()
        .find(|(network, prefix, _)| {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
        })
        .map_or(AddressClass::Reserved, |(_, _, class)| *class)
}

/// The class of all addresses of a network; none when there are several.
pub fn classify_network(network: IpNet) -> Option<AddressClass> {
    let has_inside = |address: IpAddr, prefix: u32| {
        prefix > u32::from(network.prefix_len()) && network.contains(&address)
    };
    let mixed = match network {
        IpNet::V4(_) => {
            IPV4.iter().any(|(inside, prefix, _)| has_inside((*inside).into(), *prefix))
        }
        IpNet::V6(_) => {
            let mapped = IpAddr::V6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());
            IPV6.iter().any(|(inside, prefix, _)| has_inside((*inside).into(), *prefix))
                || has_inside(mapped, 96)
        }
    };
    (!mixed).then(|| classify(network.network()))
}

#[cfg(test)]
mod tests {
    use super::AddressClass::*;
    use super::*;

    /// First and last address of each range, and the neighbours outside.
    const TABLE: &[(&str, AddressClass)] = &[
        ("0.0.0.0", Unspecified),
        ("0.255.255.255", Unspecified),
        ("1.0.0.0", Public),
        ("9.255.255.255", Public),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("11.0.0.0", Public),
        ("100.63.255.255", Public),
        ("100.64.0.0", Shared),
        ("100.127.255.255", Shared),
        ("100.128.0.0", Public),
        ("126.255.255.255", Public),
        ("127.0.0.1", Loopback),
        ("127.255.255.255", Loopback),
        ("128.0.0.0", Public),
        ("169.253.255.255", Public),
        ("169.254.0.0", LinkLocal),
        ("169.254.169.254", LinkLocal),
        ("169.254.255.255", LinkLocal),
        ("169.255.0.0", Public),
        ("172.15.255.255", Public),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("172.32.0.0", Public),
        ("191.255.255.255", Public),
        ("192.0.0.0", Reserved),
        ("192.0.0.255", Reserved),
        ("192.0.1.0", Public),
        ("192.0.2.0", Documentation),
        ("192.0.2.255", Documentation),
        ("192.0.3.0", Public),
        ("192.88.98.255", Public),
        ("192.88.99.1", Translated),
        ("192.88.100.0", Public),
        ("192.167.255.255", Public),
        ("192.168.0.0", Private),
        ("192.168.255.255", Private),
        ("192.169.0.0", Public),
        ("198.17.255.255", Public),
        ("198.18.0.0", Benchmarking),
        ("198.19.255.255", Benchmarking),
        ("198.20.0.0", Public),
        ("198.51.99.255", Public),
        ("198.51.100.0", Documentation),
        ("198.51.101.0", Public),
        ("203.0.112.255", Public),
        ("203.0.113.255", Documentation),
        ("203.0.114.0", Public),
        ("223.255.255.255", Public),
        ("224.0.0.0", Multicast),
        ("239.255.255.255", Multicast),
        ("240.0.0.0", Reserved),
        ("255.255.255.254", Reserved),
        ("255.255.255.255", Multicast),
        ("8.8.8.8", Public),
        ("::", Unspecified),
        ("::1", Loopback),
        ("::127.0.0.1", Reserved),
        ("::10.0.0.1", Reserved),
        ("::8.8.8.8", Reserved),
        ("::1:0:0:0", Reserved),
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:7f00:1", Loopback),
        ("::ffff:169.254.169.254", LinkLocal),
        ("::ffff:192.168.1.1", Private),
        ("::ffff:8.8.8.8", Public),
        ("::ffff:0:127.0.0.1", Reserved),
        ("64:ff9b::", Translated),
        ("64:ff9b::127.0.0.1", Translated),
        ("64:ff9b::8.8.8.8", Translated),
        ("64:ff9b:1::1", Translated),
        ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Translated),
        ("64:ff9b:2::1", Reserved),
        ("100::1", Reserved),
        ("1fff:ffff::1", Reserved),
        ("2000::1", Public),
        ("2001::1", Translated),
        ("2001:0:7f00:1::", Translated),
        ("2001:1::1", Reserved),
        ("2001:2::1", Benchmarking),
        ("2001:10::1", Reserved),
        ("2001:20::1", Reserved),
        ("2001:1ff:ffff::1", Reserved),
        ("2001:200::1", Public),
        ("2001:4860:4860::8888", Public),
        ("2001:db7:ffff::1", Public),
        ("2001:db8::1", Documentation),
        ("2001:db9::1", Public),
        ("2002::1", Translated),
        ("2002:7f00:1::", Translated),
        ("2003::1", Public),
        ("2606:4700:4700::1111", Public),
        ("3ffe:ffff::1", Public),
        ("3fff::1", Documentation),
        ("3fff:fff:ffff::1", Documentation),
        ("3fff:1000::1", Public),
        ("4000::1", Reserved),
        ("5f00::1", Reserved),
        ("fbff::1", Reserved),
        ("fc00::1", Private),
        ("fd00:ec2::254", Private),
        ("fdff:ffff::1", Private),
        ("fe00::1", Reserved),
        ("fe7f::1", Reserved),
        ("fe80::1", LinkLocal),
        ("febf:ffff::1", LinkLocal),
        ("fec0::1", LinkLocal),
        ("feff:ffff::1", LinkLocal),
        ("ff00::1", Multicast),
        ("ff02::1", Multicast),
    ];

    #[test]
    fn every_range_has_its_class_up_to_its_edges() {
        for (text, class) in TABLE {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(classify(address), *class, "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_the_same_address() {
        for (text, class) in TABLE {
            let Ok(address) = text.parse::<Ipv4Addr>() else { continue };
            assert_eq!(classify(IpAddr::V6(address.to_ipv6_mapped())), *class, "{text}");
        }
    }

    #[test]
    fn a_network_has_a_class_when_all_its_addresses_have_it() {
        for (text, class) in [
            ("10.0.0.0/8", Some(Private)),
            ("10.1.2.0/24", Some(Private)),
            ("10.0.0.0/7", None),
            ("8.0.0.0/7", Some(Public)),
            ("8.0.0.0/6", None),
            ("0.0.0.0/0", None),
            ("169.254.169.254/32", Some(LinkLocal)),
            ("240.0.0.0/4", None),
            ("::/0", None),
            ("::/64", None),
            ("::1/128", Some(Loopback)),
            ("fc00::/7", Some(Private)),
            ("fc00::/6", None),
            ("fd00::/64", Some(Private)),
            ("2001::/16", None),
            ("2003::/16", Some(Public)),
            ("4000::/3", None),
            ("6000::/3", Some(Reserved)),
        ] {
            assert_eq!(classify_network(text.parse().unwrap()), class, "{text}");
        }
    }
}
