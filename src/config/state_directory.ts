/** Where the program keeps what outlives it and is not configuration: fetched lists, address ranges. For root alone. */
export const STATE_DIRECTORY = '/var/lib/snet';
