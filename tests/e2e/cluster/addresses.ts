/**
 * The addresses of the test cluster: RFC 2544's range for benchmarks, which no network uses. The cluster has a network
 * namespace of its own, so that nothing else on the machine has to know about them.
 */

/** This machine, for nodes and pods. Names that end in `host.test` are this address. */
export const machineAddress = '198.18.0.1';
export const serviceRange = '198.19.0.0/16';
export const dnsAddress = '198.19.0.10';
/** All other names that end in `.test` are this address. */
export const ingressAddress = '198.19.0.80';

export const nodeName = (number: number): string => `node-${number}`;
export const nodeAddress = (number: number): string => `198.18.0.${10 + number}`;
export const podRange = (number: number): string => `198.18.${number}.0/24`;

export const registryHost = 'registry.test';
/** The registry that the commands of the documents name. It is the same one. */
export const exampleRegistry = 'registry.example.org';
