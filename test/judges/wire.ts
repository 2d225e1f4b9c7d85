import { Agent } from 'node:https';
import { connect } from 'node:net';

/** An agent for clients that only know the platform's own https hosts, and the hosts that were asked for so far. */
export interface Wire {
  agent: Agent;
  hosts: Set<string>;
}

/**
 * Every connection of this agent goes to the loopback server at `url`, in plain text: the client's own requests arrive
 * there byte by byte, with the Host header of the platform, and nothing can leave this machine. No client is patched;
 * the agent is handed in where the client takes one.
 */
export function wireTo(url: string): Wire {
  const { port, hostname } = new URL(url);
  const agent = new Agent({ keepAlive: false });
  const hosts = new Set<string>();
  agent.createConnection = (options) => {
    hosts.add(String(options.host));
    return connect({ port: Number(port), host: hostname });
  };
  return { agent, hosts };
}
