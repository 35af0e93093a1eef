import JSONBytes

/// The limits and defaults of the API contract. Sizes are in bytes unless stated otherwise.
package enum Limits {
    /// A request body, except for uploads.
    package static let requestBody = 1 << 20
    /// All files of one upload together.
    package static let upload = 50 << 20
    /// One file of an upload.
    package static let uploadedFile = 25 << 20
    /// Files of one upload.
    package static let uploadedFiles = 50
    /// Bytes of an upload beside those of its files: boundaries, header fields, other fields.
    package static let uploadFraming = 1 << 20
    /// Bytes of the path of a file that is downloaded.
    package static let downloadPath = 4096
    /// An agent's response; event streams are not bounded in total.
    package static let agentResponse = 10 << 20
    /// How deep JSON may nest.
    package static let jsonDepth = JSONScanner.depthLimit
    /// A secret's value.
    package static let secretValue = 64 << 10
    /// A secret's key.
    package static let secretKey = 256
    /// An agent's card.
    package static let agentCard = 64 << 10
    /// A URL that a client provides.
    package static let url = 2048

    /// Live tokens of one workspace.
    package static let activeTokens = 50
    /// Tokens on one page of the list, by default.
    package static let tokenPage = 50
    /// Tokens on one page, at most.
    package static let tokenPageMaximum = 200

    /// Peers on one page of the list: the default and the maximum.
    package static let peerPage = 1000
    /// How many `forwarded_to` links are followed.
    package static let forwardingHops = 5
    /// How often one message may pass the proxy as agents forward it.
    package static let messageHops = 10

    /// Unicode scalars of a workspace's name.
    package static let workspaceName = 255
    /// Unicode scalars of a workspace's role.
    package static let workspaceRole = 1000
    /// Unicode scalars of a workspace's model and of its runtime.
    package static let workspaceModel = 100
    /// Unicode scalars of a workspace's folder.
    package static let workspaceDirectory = 1024
    /// Unicode scalars of a template's name.
    package static let templateName = 255
    /// Unicode scalars of an operator token's name and organisation.
    package static let operatorTokenName = 255
    /// Unicode scalars of a heartbeat's `current_task`; longer values are truncated, as the two below.
    package static let currentTask = 1000
    /// Unicode scalars of a heartbeat's `sample_error`.
    package static let sampleError = 2000
    /// Unicode scalars of a heartbeat's `runtime_state`.
    package static let runtimeState = 100
    /// Bytes of heartbeats written in one batch.
    package static let heartbeatBatch = 1 << 20
    /// The ceiling of a heartbeat's `monthly_spend`, in cents.
    package static let monthlySpend: Int64 = 1_000_000_000_000

    /// Attempts of a queue item before it fails; refused deliveries do not count.
    package static let deliveryAttempts = 5
    /// Entries of a queue item's log; beyond it the oldest are dropped.
    package static let queueLog = 30
    /// Items of the fleet's queue on one page, by default.
    package static let queuePage = 100
    /// Items of the fleet's queue on one page, at most.
    package static let queuePageMaximum = 500
    /// Items of the fleet's queue that are counted for a list, which reports whether there are more.
    package static let queueCount = 10_000
    /// Items of the fleet's queue that one request may change or name by id.
    package static let queueChange = 10_000
    /// Items of the fleet's queue that are counted for a change.
    package static let queueChangeCount = 100_000
    /// Workspaces of the fleet on one page, by default.
    package static let fleetPage = 100
    /// Workspaces of the fleet on one page, at most.
    package static let fleetPageMaximum = 500
    /// Workspaces that one request changes.
    package static let bulkWorkspaces = 1000
    /// Unicode scalars of a list's search text.
    package static let searchText = 255
    /// `Retry-After` of the response for a busy workspace.
    package static let busyRetryAfterSeconds = 30
    /// `Retry-After` of the response for a workspace that is being woken.
    package static let wakingRetryAfterSeconds = 15
    /// The maximum duration of a call from agent to agent.
    package static let agentCallCeiling: Duration = .seconds(30 * 60)
    /// The idle timeout of a call, unless configured or overridden.
    package static let idleTimeout: Duration = .seconds(300)

    /// Characters of a response in the list of delegations, before `...`.
    package static let listedResponsePreview = 300
    /// Unicode scalars of an error text, wherever it is stored and reported.
    package static let errorText = 4096
    /// Bytes of the `data` of an agent's JSON-RPC error; larger data is left out.
    package static let agentErrorData = 64 << 10
    /// Unicode scalars of an id or key that a client chooses: they are indexed, and Postgres limits the size of index
    /// rows.
    package static let identifier = 255
    /// Unicode scalars of a JSON-RPC method's name, wherever it is stored and reported.
    package static let method = 256
    /// Characters of text in a summary.
    package static let summaryText = 80
    /// Delegations in a list.
    package static let delegationPage = 50

    /// Unicode scalars of the response that an agent reports for its own delegation.
    package static let reportedResponse = 256 << 10
    /// Unicode scalars of an activity's summary.
    package static let activitySummary = 1000
    /// Unicode scalars of an activity's status.
    package static let activityStatus = 100
    /// Unicode scalars of a message to a person.
    package static let notification = 100_000
    /// Unicode scalars of an attachment's name and of its type.
    package static let attachmentName = 255

    /// Schedules of one workspace.
    package static let schedules = 100
    /// Unicode scalars of a schedule's name.
    package static let scheduleName = 255
    /// Unicode scalars of a cron expression.
    package static let cronExpression = 255
    /// Unicode scalars of a time zone's name.
    package static let timezoneName = 64
    /// Unicode scalars of a schedule's prompt.
    package static let schedulePrompt = 16 << 10
    /// Unicode scalars of the prompt in a run's activity.
    package static let schedulePromptPreview = 200
    /// Runs of one schedule that may wait.
    package static let waitingRuns = 100
    /// Entries in the list of schedules with problems.
    package static let unhealthySchedules = 500
    /// Schedules of the fleet on one page, by default.
    package static let schedulePage = 100
    /// Schedules of the fleet on one page, at most.
    package static let schedulePageMaximum = 500
    /// Slots in a preview of a cron expression.
    package static let schedulePreview = 5
    /// Runs in a schedule's history.
    package static let scheduleHistory = 20
    /// How long a fired message may wait for a busy target before the run is skipped.
    package static let scheduleWait: Duration = .seconds(120)
    /// Dead messages on one page, and changed by one request, by default.
    package static let deadMessagePage = 100
    /// Bytes of a dead message's body that are shown.
    package static let deadMessageBody = 1 << 20
    /// How long a console session lasts.
    package static let consoleSession: Duration = .seconds(12 * 3600)
    /// Unicode scalars of each text that the audit log stores of a request.
    package static let auditText = 512
    /// Bytes of the details that the audit log stores of a bulk request.
    package static let auditDetail = 4096
    /// Ids of a bulk request that the audit log lists; the rest are counted.
    package static let auditIDs = 20
    /// Entries on one page of the audit log, by default.
    package static let auditPage = 100
    /// Entries on one page of the audit log, at most.
    package static let auditPageMaximum = 500
    /// Live console sessions of one credential; beyond it the oldest are ended.
    package static let consoleSessions = 100
    /// How long a stream ticket is valid.
    package static let streamTicket: Duration = .seconds(60)
    /// Unused stream tickets of one credential.
    package static let streamTickets = 1000
}
