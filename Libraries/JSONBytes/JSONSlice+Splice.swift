/// Changing a document without decoding and encoding it: everything that is not meant stays as it was sent.
extension JSONSlice {
    /// The whole document with one member set to a JSON value.
    ///
    /// An existing member's value is replaced (the last one of that name, which is the one that counts), else the member
    /// becomes the object's first.
    ///
    /// - Parameters:
    ///   - path: the names that lead to the member, from this value; the objects on the way must exist.
    ///   - json: one well-formed JSON value.
    /// - Returns: nil when something on the way is missing or no object.
    package func setting(_ path: [StaticString], to json: some Collection<UInt8>) -> [UInt8]? {
        guard let name = path.last, let parent = find(Array(path.dropLast())), parent.kind == .object else {
            return nil
        }
        if let existing = parent.find(name) {
            return document.replacing(existing.range, with: json)
        }
        var member = JSONWriter(reservingCapacity: name.utf8CodeUnitCount + json.count + 8)
        member.key(name.description)
        member.raw(json)
        let start = parent.range.lowerBound + 1
        let isEmpty = parent.object?.count == 0
        return document.replacing(start..<start, with: isEmpty ? member.bytes : member.bytes + [UInt8(ascii: ",")])
    }

    /// As ``setting(_:to:)-([StaticString],Collection)`` with a string, which is encoded.
    package func setting(_ path: [StaticString], toString text: String) -> [UInt8]? {
        var writer = JSONWriter(reservingCapacity: text.utf8.count + 8)
        writer.string(text)
        return setting(path, to: writer.bytes)
    }
}

extension JSONObject {
    /// A JSON-RPC request around this object's `method` and `params`, which are taken over as they were sent (`null`
    /// when absent).
    package func wrappedInEnvelope(id: String) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: range.count + 96)
        let null = Array("null".utf8)[...]
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", id)
            writer.member("method", raw: raw("method") ?? null)
            writer.member("params", raw: raw("params") ?? null)
        }
        return writer.bytes
    }
}

extension [UInt8] {
    fileprivate func replacing(_ range: Range<Int>, with new: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count - range.count + new.count)
        result.append(contentsOf: self[..<range.lowerBound])
        result.append(contentsOf: new)
        result.append(contentsOf: self[range.upperBound...])
        return result
    }
}
