/// A method of the protocol by its name, in either version.
struct JSONRPCMethod: Sendable {
    let version: JSONRPCRequest.Version
    let call: JSONRPCRequest.Call
    /// Whether the protocol defines it.
    let isKnown: Bool

    private static let calls: [String: (JSONRPCRequest.Version, JSONRPCRequest.Call)] = [
        "message/send": (.v03, .send), "SendMessage": (.v1, .send),
        "message/stream": (.v03, .stream), "SendStreamingMessage": (.v1, .stream),
        "tasks/get": (.v03, .get), "GetTask": (.v1, .get),
        "tasks/cancel": (.v03, .cancel), "CancelTask": (.v1, .cancel),
        "tasks/resubscribe": (.v03, .subscribe), "SubscribeToTask": (.v1, .subscribe),
    ]

    private static let others: Set<String> = [
        "tasks/list", "tasks/pushNotificationConfig/set", "tasks/pushNotificationConfig/get",
        "tasks/pushNotificationConfig/list", "tasks/pushNotificationConfig/delete",
        "ListTasks", "CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs", "DeleteTaskPushNotificationConfig",
    ]

    init(_ name: String) {
        // `agent/getAuthenticatedExtendedCard`, `agent/getExtendedCard`, `GetExtendedAgentCard`: there are more names
        // than versions, and the card must be rewritten for all of them.
        let isCard = name.hasSuffix("Card")
        (version, call) =
            Self.calls[name] ?? (name.first?.isUppercase == true ? .v1 : .v03, isCard ? .card : .other)
        isKnown = call != .other || Self.others.contains(name)
    }
}
