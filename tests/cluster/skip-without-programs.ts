import { beforeEach, inject } from 'vitest';

// The global setup prints a warning. The other lanes test the embedded API server.
beforeEach(({ skip }) => skip(inject('controlPlane') === undefined, 'there is no real API server'));
