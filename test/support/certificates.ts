import { selfSignedCertificate, type Certificate } from '../../dist/cli/certificate.js';

/** For servers on the loopback interface: localhost, 127.0.0.1 and ::1. Made once for each test process. */
export const loopback: Certificate = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1', '::1'] });

/** For a server that no test dials by its name. */
export const elsewhere: Certificate = selfSignedCertificate({ names: ['elsewhere.test'], ips: [] });

/** For a client that proves who it is (mutual TLS). */
export const client: Certificate = selfSignedCertificate({ names: ['client.test'], ips: [] });
