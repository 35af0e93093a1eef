import JSONBytes

extension AgentRequest.Malformed {
    /// Why a body was rejected as a whole. A lone surrogate is reported by the name of its member, where that is one of
    /// the members that are stored.
    init(refused body: [UInt8]) {
        self = .invalidJSON
        do {
            _ = try JSONSlice(validating: body)
        } catch  where error.kind == .loneSurrogate {
            guard let request = try? JSONSlice(validating: body.withoutLoneSurrogates) else { return }
            let members: [(name: String, value: JSONSlice?)] = [
                ("messageId", request.find("params", "message", "messageId")),
                ("contextId", request.find("params", "message", "contextId")), ("method", request.find("method")),
            ]
            let wrong = members.first { $0.value?.range.contains(error.offset) == true }
            if let wrong { self = .notStorable(wrong.name) }
        } catch {}
    }
}
