import { textArgument, type ReadHandler } from '../../handler';

/** The call itself is the message: it is stored with the reply that makes it, and shown to clients from there. */
export const sendMessage: ReadHandler = (args) => {
  textArgument(args, 'message');
  return Promise.resolve('None');
};
