//! Restricts the addresses to which a matrix can send requests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::loopback::address;

/// A name resolved to an address of a private network, to which a public server must not redirect.
#[derive(Debug, thiserror::Error)]
#[error("the address is private")]
pub(super) struct IsPrivate;

/// A DNS resolver. It does not return private addresses for a [guarded](Self::guard) name, so that
/// the connection uses the address that was checked.
pub(super) struct Resolver {
    is_private: fn(IpAddr) -> bool,
    guarded: Mutex<Option<String>>,
}

impl Resolver {
    pub(super) fn new(is_private: fn(IpAddr) -> bool) -> Self {
        Self { is_private, guarded: Mutex::default() }
    }

    /// From now on, does not return private addresses for the host of `url`. A proxy can have a
    /// private address.
    pub(super) fn guard(&self, url: &Url) {
        *self.guarded.lock().unwrap_or_else(PoisonError::into_inner) =
            url.host_str().map(str::to_owned);
    }

    /// Whether the host of `url` is, or resolves to, a private address. A name that cannot be
    /// resolved is not private: a proxy may know it.
    pub(super) async fn is_private(&self, url: &Url) -> bool {
        any_address(url, self.is_private).await
    }

    /// Whether the host of `url` is, or resolves to, an address of a cloud's metadata service.
    pub(super) async fn is_metadata(&self, url: &Url) -> bool {
        any_address(url, is_metadata).await
    }
}

async fn any_address(url: &Url, holds: fn(IpAddr) -> bool) -> bool {
    let Some(host) = url.host_str() else { return false };
    if let Some(address) = address(host) {
        return holds(address);
    }
    let found = lookup_host((host, 0)).await;
    found.is_ok_and(|mut found| found.any(|address| holds(address.ip())))
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let is_private = self.is_private;
        let guarded = self.guarded.lock().unwrap_or_else(PoisonError::into_inner);
        let is_guarded = guarded.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let mut found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            found.retain(|address| {
                let address = address.ip();
                !is_metadata(address) && (!is_guarded || !is_private(address))
            });
            if any && found.is_empty() {
                return Err(IsPrivate.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is not reachable from all of the Internet: loopback, link-local or private.
///
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry> and the same for IPv6
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => is_private_v4(v4),
            None => {
                let [first, ..] = v6.segments();
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    // Site-local, the predecessor of unique local addresses.
                    || first & 0xffc0 == 0xfec0
            }
        },
    }
}

/// Whether an address belongs to a cloud's metadata service, which hands out credentials:
/// link-local addresses and two others. They have no version lists, and an untrusted matrix must
/// not read them.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>
/// and <https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata>
pub(super) fn is_metadata(address: IpAddr) -> bool {
    const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    const AWS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let of_v4 = |v4: Ipv4Addr| v4.is_link_local() || v4 == ALIBABA;
    match address {
        IpAddr::V4(v4) => of_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => of_v4(v4),
            None => v6.is_unicast_link_local() || v6 == AWS,
        },
    }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    let [first, second, third, _] = v4.octets();
    v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_multicast()
        || first == 0
        // Carrier-grade NAT; some clouds use it for metadata as well.
        || (first == 100 && second & 0xc0 == 64)
        || (first, second, third) == (192, 0, 0)
        || (first == 198 && second & 0xfe == 18)
        || first >= 240
}

/// The IPv4 address in an IPv6 address: mapped, compatible, NAT64 or 6to4.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(v4(high, low))
        }
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_globally_reachable_are_private() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("169.254.169.254", true),
            ("100.100.100.200", true),
            ("100.128.0.1", false),
            ("0.0.0.0", true),
            ("255.255.255.255", true),
            ("224.0.0.1", true),
            ("198.18.0.1", true),
            ("140.82.121.6", false),
            ("::1", true),
            ("::", true),
            ("fe80::1", true),
            ("fd00:ec2::254", true),
            ("fec0::1", true),
            ("ff02::1", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:140.82.121.6", false),
            ("::10.0.0.1", true),
            ("64:ff9b::a9fe:a9fe", true),
            ("2002:7f00:1::", true),
            ("2606:50c0:8000::153", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn cloud_metadata_is_recognised_by_its_address() {
        for (address, expected) in [
            ("169.254.169.254", true),
            ("169.254.170.2", true),
            ("100.100.100.200", true),
            ("fe80::1", true),
            ("fd00:ec2::254", true),
            ("::ffff:169.254.169.254", true),
            ("64:ff9b::a9fe:a9fe", true),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("fd00::1", false),
            ("1.1.1.1", false),
        ] {
            assert_eq!(is_metadata(address.parse().unwrap()), expected, "{address}");
        }
    }
}
