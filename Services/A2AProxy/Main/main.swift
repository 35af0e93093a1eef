import A2AProxy
import ServiceHost

await ServiceHost.run(A2AProxyService.self)
