/// The limits and defaults of the API contract. Sizes are in bytes unless stated otherwise.
public enum Limits {
    /// A request body, except for uploads.
    public static let requestBody = 1 << 20
    /// All files of one upload together.
    public static let upload = 50 << 20
    /// One file of an upload.
    public static let uploadedFile = 25 << 20
    /// Files of one upload.
    public static let uploadedFiles = 50
    /// Bytes of an upload beside those of its files: boundaries, header fields, other fields.
    public static let uploadFraming = 1 << 20
    /// Bytes of the path of a file that is downloaded.
    public static let downloadPath = 4096
    /// An agent's response; event streams are not bounded in total.
    public static let agentResponse = 10 << 20
    /// The header block of a request.
    public static let headerBlock = 16 << 10
    /// How deep JSON may nest.
    public static let jsonDepth = 64
    /// A secret's value.
    public static let secretValue = 64 << 10
    /// A secret's key.
    public static let secretKey = 256
    /// An agent's card.
    public static let agentCard = 64 << 10
    /// A URL that a client provides.
    public static let url = 2048

    /// Live tokens of one workspace.
    public static let activeTokens = 50
    /// Tokens on one page of the list, by default.
    public static let tokenPage = 50
    /// Tokens on one page, at most.
    public static let tokenPageMaximum = 200
    /// Bytes of randomness in a token.
    public static let tokenBytes = 32
    /// Characters of a token that are stored in plaintext.
    public static let tokenPrefix = 8
    /// How long a verified token is cached.
    public static let tokenCache: Duration = .seconds(30)
    /// The shortest interval between updates of a token's `last_used_at`.
    public static let tokenUseInterval: Duration = .seconds(60)

    /// How many parent links are followed to decide whether two workspaces may communicate.
    public static let treeDepth = 32
    /// Peers on one page of the list: the default and the maximum.
    public static let peerPage = 1000
    /// How many `forwarded_to` links are followed.
    public static let forwardingHops = 5
    /// How often one message may pass the proxy as agents forward it.
    public static let messageHops = 10
    /// Requests per minute and client, unless configured.
    public static let rateLimit = 600

    /// Unicode scalars of a workspace's name.
    public static let workspaceName = 255
    /// Unicode scalars of a workspace's role.
    public static let workspaceRole = 1000
    /// Unicode scalars of a workspace's model and of its runtime.
    public static let workspaceModel = 100
    /// Unicode scalars of a workspace's folder.
    public static let workspaceDirectory = 1024
    /// Unicode scalars of a template's name.
    public static let templateName = 255
    /// Unicode scalars of an operator token's name and organisation.
    public static let operatorTokenName = 255
    /// Unicode scalars of a heartbeat's `current_task`; longer values are truncated, as the two below.
    public static let currentTask = 1000
    /// Unicode scalars of a heartbeat's `sample_error`.
    public static let sampleError = 2000
    /// Unicode scalars of a heartbeat's `runtime_state`.
    public static let runtimeState = 100
    /// Bytes of heartbeats written in one batch.
    public static let heartbeatBatch = 1 << 20
    /// The ceiling of a heartbeat's `monthly_spend`, in cents.
    public static let monthlySpend: Int64 = 1_000_000_000_000

    /// Attempts of a queue item before it fails; refused deliveries do not count.
    public static let deliveryAttempts = 5
    /// Entries of a queue item's log; beyond it the oldest are dropped.
    public static let queueLog = 30
    /// Items of the fleet's queue on one page, by default.
    public static let queuePage = 100
    /// Items of the fleet's queue on one page, at most.
    public static let queuePageMaximum = 500
    /// Items of the fleet's queue that are counted for a list, which reports whether there are more.
    public static let queueCount = 10_000
    /// Items of the fleet's queue that one request may change or name by id.
    public static let queueChange = 10_000
    /// Items of the fleet's queue that are counted for a change.
    public static let queueChangeCount = 100_000
    /// Workspaces of the fleet on one page, by default.
    public static let fleetPage = 100
    /// Workspaces of the fleet on one page, at most.
    public static let fleetPageMaximum = 500
    /// Workspaces that one request changes.
    public static let bulkWorkspaces = 1000
    /// Unicode scalars of a list's search text.
    public static let searchText = 255
    /// How long a queue item is kept before it expires undelivered.
    public static let queueItemLifetime: Duration = .seconds(7 * 86_400)
    /// `Retry-After` of the response for a busy workspace.
    public static let busyRetryAfterSeconds = 30
    /// `Retry-After` of the response for a workspace that is being woken.
    public static let wakingRetryAfterSeconds = 15
    /// The maximum duration of a call from agent to agent.
    public static let agentCallCeiling: Duration = .seconds(30 * 60)
    /// The idle timeout of a call, unless configured or overridden.
    public static let idleTimeout: Duration = .seconds(300)
    /// How long the outcome of an idempotent send is kept.
    public static let idempotentSend: Duration = .seconds(86_400)
    /// Back-off before the single retry of a delegation's first dispatch.
    public static let delegationRetry: Duration = .seconds(8)

    /// Characters of a task in an event.
    public static let taskPreview = 100
    /// Characters of a response in an event.
    public static let responsePreview = 200
    /// Characters of a response in the list of delegations, before `...`.
    public static let listedResponsePreview = 300
    /// Unicode scalars of an error text, wherever it is stored and reported.
    public static let errorText = 4096
    /// Bytes of the `data` of an agent's JSON-RPC error; larger data is left out.
    public static let agentErrorData = 64 << 10
    /// Unicode scalars of an id or key that a client chooses: they are indexed, and Postgres limits the size of index
    /// rows.
    public static let identifier = 255
    /// Unicode scalars of a JSON-RPC method's name, wherever it is stored and reported.
    public static let method = 256
    /// Characters of text in a summary.
    public static let summaryText = 80
    /// Delegations in a list.
    public static let delegationPage = 50

    /// Unicode scalars of the response that an agent reports for its own delegation.
    public static let reportedResponse = 256 << 10
    /// Unicode scalars of an activity's summary.
    public static let activitySummary = 1000
    /// Unicode scalars of an activity's status.
    public static let activityStatus = 100
    /// Unicode scalars of a message to a person.
    public static let notification = 100_000
    /// Files that go with a message to a person.
    public static let attachments = 100
    /// Unicode scalars of an attachment's name and of its type.
    public static let attachmentName = 255

    /// The shortest interval between updates of `last_seen_at` by authenticated requests.
    public static let lastSeenInterval: Duration = .seconds(15)
    /// The shortest interval between writes of a workspace's liveness to Redis.
    public static let signOfLifeInterval: Duration = .seconds(5)
    /// Heartbeats without `runtime_metadata` for this long clear the overrides.
    public static let runtimeMetadataLifetime: Duration = .seconds(90)
    /// The time without activity after which a workspace is offline, unless configured.
    public static let livenessTTL: Duration = .seconds(180)
    /// How long a heartbeat waits for its batch, at most.
    public static let heartbeatFlush: Duration = .milliseconds(5)

    /// Rows of an activity list, by default.
    public static let activityPage = 100
    /// Rows of an activity list, at most.
    public static let activityPageMaximum = 500
    /// Hits of a session search, by default.
    public static let searchPage = 50
    /// Hits of a session search, at most.
    public static let searchPageMaximum = 200
    /// Events waiting for one slow viewer.
    public static let viewerBuffer = 256
    /// Schedules of one workspace.
    public static let schedules = 100
    /// Unicode scalars of a schedule's name.
    public static let scheduleName = 255
    /// Unicode scalars of a cron expression.
    public static let cronExpression = 255
    /// Unicode scalars of a time zone's name.
    public static let timezoneName = 64
    /// Unicode scalars of a schedule's prompt.
    public static let schedulePrompt = 16 << 10
    /// Unicode scalars of the prompt in a run's activity.
    public static let schedulePromptPreview = 200
    /// Runs of one schedule that may wait.
    public static let waitingRuns = 100
    /// Entries in the list of schedules with problems.
    public static let troubledSchedules = 500
    /// Schedules of the fleet on one page, by default.
    public static let schedulePage = 100
    /// Schedules of the fleet on one page, at most.
    public static let schedulePageMaximum = 500
    /// Slots in a preview of a cron expression.
    public static let schedulePreview = 5
    /// Runs in a schedule's history.
    public static let scheduleHistory = 20
    /// How long a fired message may wait for a busy target before the run is skipped.
    public static let scheduleWait: Duration = .seconds(120)
    /// Dead messages on one page, and changed by one request, by default.
    public static let deadMessagePage = 100
    /// Bytes of a dead message's body that are shown.
    public static let deadMessageBody = 1 << 20
    /// How long a console session lasts.
    public static let consoleSession: Duration = .seconds(12 * 3600)
    /// Unicode scalars of each text that the audit log stores of a request.
    public static let auditText = 512
    /// Bytes of the details that the audit log stores of a bulk request.
    public static let auditDetail = 4096
    /// Ids of a bulk request that the audit log lists; the rest are counted.
    public static let auditIDs = 20
    /// Entries on one page of the audit log, by default.
    public static let auditPage = 100
    /// Entries on one page of the audit log, at most.
    public static let auditPageMaximum = 500
    /// Live console sessions of one credential; beyond it the oldest are ended.
    public static let consoleSessions = 100
    /// How long a stream ticket is valid.
    public static let streamTicket: Duration = .seconds(60)
    /// Unused stream tickets of one credential.
    public static let streamTickets = 1000
}
