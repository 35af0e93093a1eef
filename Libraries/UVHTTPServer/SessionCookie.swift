import HTTPCore

/// The console's session in a `Cookie` field, and the `Set-Cookie` that puts it there.
package enum SessionCookie {
    private static let name: StaticString = "switchyard_session"
    /// Over TLS: browsers take a cookie of that name neither over an unencrypted connection nor from another host of the
    /// domain.
    private static let secureName: StaticString = "__Host-switchyard_session"

    /// The value of the first cookie of the name; nil when there is none.
    ///
    /// - Parameter isSecure: the client came over TLS: the other name, which any host of the domain could have set, is
    ///   ignored then. Where no proxy says so, the name of TLS still comes first.
    static func bytes(
        in value: UnsafeBufferPointer<UInt8>, isSecure: Bool
    ) -> Slice<UnsafeBufferPointer<UInt8>>? {
        bytes(in: value, of: secureName) ?? (isSecure ? nil : bytes(in: value, of: name))
    }

    private static func bytes(
        in value: UnsafeBufferPointer<UInt8>, of name: StaticString
    ) -> Slice<UnsafeBufferPointer<UInt8>>? {
        let length = name.utf8CodeUnitCount
        var rest = value[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
            var pair = rest[..<end].drop(while: isBlank)
            rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
            while let last = pair.last, isBlank(last) { pair.removeLast() }
            // The names of cookies are case-sensitive.
            guard pair.count > length, pair[pair.startIndex + length] == UInt8(ascii: "=") else { continue }
            let given = UnsafeBufferPointer(rebasing: pair.prefix(length))
            guard given.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: length)) else { continue }
            return pair.dropFirst(length + 1)
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The field that has a browser keep a session, out of the reach of scripts and of other sites' requests.
    ///
    /// - Parameters:
    ///   - value: without characters that a cookie may not have.
    ///   - seconds: for how long; 0 has the browser forget it.
    ///   - isSecure: the client came over TLS: it is never sent without.
    package static func field(_ value: String, seconds: Int64, isSecure: Bool) -> String {
        let fields = "\(value); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
        return isSecure ? "\(secureName)=\(fields); Secure" : "\(name)=\(fields)"
    }
}
