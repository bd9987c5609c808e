import { beforeEach, inject } from 'vitest';

// Global setup has said so, loudly. The embedded API server is tested in the other lanes.
beforeEach(({ skip }) => skip(inject('controlPlane') === undefined, 'there is no real API server'));
