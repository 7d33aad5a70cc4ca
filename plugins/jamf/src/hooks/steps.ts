import { defineHook } from '@d3/sdk';
import { KIND } from '../agent/step.ts';

export default defineHook('d3:steps', () => [
  {
    kind: KIND,
    summary: 'Has Jamf Pro run the policies of an event, or one by its id.',
    schema: {
      type: 'object',
      properties: {
        event: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^\\s-]' },
        id: { type: 'integer', minimum: 1 },
        ifNoPolicy: { enum: ['fail', 'done'] },
      },
      oneOf: [{ required: ['event'] }, { required: ['id'] }],
      additionalProperties: false,
    },
  },
]);
