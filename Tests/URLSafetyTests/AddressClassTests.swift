import NetworkAddresses
import Testing

@testable import URLSafety

/// What kind of place an address is: both ends of every network, and their neighbours outside.
@Suite struct AddressClassTests {
    @Test(arguments: [
        ("0.0.0.0", AddressClass.forbidden), ("0.255.255.255", .forbidden), ("1.0.0.0", .public),
        ("9.255.255.255", .public), ("10.0.0.0", .private), ("10.255.255.255", .private), ("11.0.0.0", .public),
        ("100.63.255.255", .public), ("100.64.0.0", .forbidden), ("100.100.100.200", .forbidden),
        ("100.127.255.255", .forbidden), ("100.128.0.0", .public),
        ("126.255.255.255", .public), ("127.0.0.0", .loopback), ("127.255.255.255", .loopback), ("128.0.0.0", .public),
        ("168.63.129.15", .public), ("168.63.129.16", .forbidden), ("168.63.129.17", .public),
        ("169.253.255.255", .public), ("169.254.0.0", .forbidden), ("169.254.169.254", .forbidden),
        ("169.254.255.255", .forbidden), ("169.255.0.0", .public),
        ("172.15.255.255", .public), ("172.16.0.0", .private), ("172.31.255.255", .private), ("172.32.0.0", .public),
        ("192.0.0.192", .forbidden), ("192.0.1.255", .public), ("192.0.2.0", .forbidden), ("192.0.2.255", .forbidden),
        ("192.0.3.0", .public), ("192.167.255.255", .public), ("192.168.0.0", .private), ("192.168.255.255", .private),
        ("192.169.0.0", .public), ("198.17.255.255", .public), ("198.18.0.0", .private), ("198.19.255.255", .private),
        ("198.20.0.0", .public), ("198.51.99.255", .public), ("198.51.100.0", .forbidden),
        ("198.51.100.255", .forbidden), ("198.51.101.0", .public), ("203.0.112.255", .public),
        ("203.0.113.0", .forbidden), ("203.0.113.255", .forbidden), ("203.0.114.0", .public),
        ("223.255.255.255", .public), ("224.0.0.0", .forbidden), ("239.255.255.255", .forbidden),
        ("240.0.0.0", .forbidden), ("255.255.255.255", .forbidden), ("8.8.8.8", .public),
    ])
    func ipv4(_ text: String, _ expected: AddressClass) throws {
        let bytes = try #require(IPAddress(text)).bytes
        #expect(AddressClass(bytes) == expected)
        // The mapped form is the same place; the others lead there through a gateway.
        for prefix in ["::ffff:", "::ffff:0:", "64:ff9b::"] {
            let mapped = try #require(IPAddress("\(prefix)\(text)")).bytes
            #expect(AddressClass(mapped) == expected, "\(prefix)\(text)")
        }
        #expect(AddressClass([0x20, 0x02] + bytes + [UInt8](repeating: 1, count: 10)) == expected, "6to4")
        let teredo = [0x20, 0x01, 0, 0, 8, 8, 8, 8, 0, 0, 0, 0] + bytes.map { ~$0 }
        #expect(AddressClass(teredo) == expected, "Teredo")
        let isatap: [UInt8] = [0x26, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0x5E, 0xFE] + bytes
        #expect(AddressClass(isatap) == expected, "ISATAP")
    }

    @Test(arguments: [
        ("::", AddressClass.forbidden), ("::1", .loopback), ("::2", .forbidden), ("::127.0.0.1", .loopback),
        ("::8.8.8.8", .public), ("fbff:ffff::", .forbidden), ("fc00::", .forbidden), ("fcff::1", .forbidden),
        ("fd00::", .private), ("fdff:ffff::1", .private), ("fd00:ec2::254", .forbidden), ("fd00:ec2::253", .private),
        ("fd20:ce::254", .forbidden), ("fe7f::1", .forbidden), ("fe80::", .forbidden), ("febf::1", .forbidden),
        ("fec0::1", .forbidden), ("ff00::", .forbidden), ("ff02::1", .forbidden), ("2001:db7::1", .public),
        ("2001:db8::", .forbidden), ("2001:db8:ffff::1", .forbidden), ("2001:db9::1", .public),
        ("3fff::1", .forbidden), ("3fff:1000::1", .public), ("2606:4700:4700::1111", .public),
        ("64:ff9b:1::10.0.0.1", .private), ("100::1", .forbidden), ("4000::1", .forbidden), ("1fff::1", .forbidden),
    ])
    func ipv6(_ text: String, _ expected: AddressClass) throws {
        #expect(AddressClass(try #require(IPAddress(text)).bytes) == expected)
    }

    @Test(arguments: [0, 1, 3, 5, 15, 17]) func anyOtherLengthIsForbidden(_ count: Int) {
        #expect(AddressClass([UInt8](repeating: 8, count: count)) == .forbidden)
    }
}
