/** What the encoded samples hold: a cpio archive with runs, text and bytes of all values. */
export const SAMPLE: Buffer = Buffer.concat([
  odc('.', 0o040755, Buffer.alloc(0)),
  odc('./run', 0o100644, Buffer.alloc(300, 'x')),
  odc('./text', 0o100644, Buffer.from('The payload of a package, once more. '.repeat(9))),
  odc('./bytes', 0o100644, Buffer.from(Array.from({ length: 64 }, (_, index) => index * 4))),
  odc('TRAILER!!!', 0, Buffer.alloc(0)),
]);

/** The two pieces that some samples hold instead; the second is smaller. */
export const PARTS: readonly [Buffer, Buffer] = [SAMPLE.subarray(0, 600), SAMPLE.subarray(600)];

/** 250 000 bytes of few patterns: several small blocks. */
export const LONG: Buffer = Buffer.from(
  Array.from({ length: 50_000 }, (_, line) => `${1000 + ((line * line) % 89) * 97}\n`).join(''),
);

/** Every byte twice, hidden among few others: codes of many lengths. */
export const SKEWED: Buffer = skewed();

function skewed(): Buffer {
  const bytes: number[] = [];
  let state = 1;
  for (let index = 0; index < 6000; index += 1) {
    state = (state * 69069 + 1) % 2 ** 32;
    const value = Math.clz32(state | 1);
    bytes.push(value);
    if (index % 12 === 0 && index < 6144) bytes.push((index / 12) % 256);
  }
  return Buffer.from(bytes);
}

function odc(name: string, mode: number, data: Buffer): Buffer {
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  const numbers = [0, 0, mode, 0, 0, 1, 0].map((value) => octal(value, 6)).join('');
  const sizes = octal(1_000_000_000, 11) + octal(name.length + 1, 6) + octal(data.length, 11);
  return Buffer.concat([Buffer.from(`070707${numbers}${sizes}${name}\0`), data]);
}

/** A stream of Apple's block compression; every number may lie. */
export function pbz(letter: string, blockSize: number | bigint, blocks: PbzBlock[]): Buffer {
  const parts = [Buffer.from(`pbz${letter}`), u64(blockSize)];
  for (const { size, stored, bytes } of blocks) parts.push(u64(size), u64(stored ?? bytes.length), bytes);
  return Buffer.concat(parts);
}

export interface PbzBlock {
  size: number | bigint;
  /** Instead of the number of bytes. */
  stored?: number | bigint;
  bytes: Buffer;
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** SAMPLE: `bzip2 -1`. */
export const BZIP2: Buffer = Buffer.from(
  [
    'QlpoMTFBWSZTWX93okgAAH3//87mRETkZf/EZmRURH/P3mRERERERERERERERERERERMMAEZkwijSaADTQBpoAAZAA0AGgyAAGjQ0I1JoT0hNo',
    'ARtTR6TZJhqbUyaaDJiAYCYjBNDJhJSaSPUaHqeoAyANAAGn6oxPQnqDI0DIAyAI2YsVOlkpSmAQMCWwL+HBifwr5A5A5A5BNQT0DUERuTJtWU',
    'gy5jyDA0Z0KagFoMATR5DNLTeGtNpkSFDEkoIaAcgS7DRv9HM02YNMg0CYvwAjrBuIDglYYKEh4CUUSVBIOqEwSSQAWBGPzz2KDrjjrqbtRmpL',
    'Ii435/A+gqIKiCNA8g4nINsQUKSCNBGgqoOMloLtBCgdAgkQXkKCSBByIGiCRAwQAiBgAqxaZEOilxI4LPxAWOWMAZBZcyOfRp1JJ69m3dv4ce',
    'XPp17d/HlT17V+ff0Rb+LuSKcKEg/u9EkA==',
  ].join(''),
  'base64',
);

/** The first of PARTS: `bzip2 -9`. */
export const BZIP2_FIRST: Buffer = Buffer.from(
  [
    'QlpoOTFBWSZTWQC5n4YAADbbgMziQCX/gAQAL8/WYAAIIACUDIghG0gYaR6Q9NR6gZQgNGgAYgAC+t6CSp4e8VOCh4hiMcpQsgkYFTXJDUlMYh',
    'EQgB6Rk+J0F2lpVwjAMLvBg8tarjYyAaVUgalO/JBQUE1EZIe0xP57uD9xZUX1f9DDVAGVol67oP2KnAJ/F3JFOFCQALmfhg==',
  ].join(''),
  'base64',
);

/** The second of PARTS: `bzip2 -9`. */
export const BZIP2_SECOND: Buffer = Buffer.from(
  [
    'QlpoOTFBWSZTWYclaJQAAKD//87GRETkRe/EZmRURH/P3GREREREREREREREREREREREMADTMGlTRoDIAAaAAAaGjQyAAAAAA0UIam0eoTANGi',
    'YjBGaAARgRhGACGBlU00ZAEwmAAGj1TJgGmgTIwTTE0GmBNbN0/ASMNDVPwWcOVEPgAyRMgBkiggCiRJkToT4MJQAQzADhYyIBcyAYCRRpEc00',
    'NUwFu0ViOwubdULeSAgOkwmEkgyBUCU2dBnoWWQhNFRFSKSzq+bMlglgm6AEibDAApAm1cAC5K4AvgDA4JUADwmsqSviJbvQAqALxEYREoAFgI',
    'jFoArL3J55EorfwYcWPJlzZ9GnVr2bd2/hx5c+nXt38efXv59/fxdyRThQkIclaJQ=',
  ].join(''),
  'base64',
);

/** Nothing: `bzip2 -9`. */
export const BZIP2_EMPTY: Buffer = Buffer.from(['QlpoORdyRThQkAAAAAA='].join(''), 'base64');

/** LONG: `bzip2 -1`, three blocks. */
export const BZIP2_LONG: Buffer = Buffer.from(
  [
    'QlpoMTFBWSZTWe2dHRAANRnIAAAQf+BQBh4AAAAAAABANNNBANNNBANNNBANNNAUqCMkdBXwK1BWwVyCuAryCv0FegrEFewV0FagrcFagrEFeg',
    'r4FcgrIK7BXkFdBXIK/IK5BWIK0CvoFebBX0FZQV8CtIK4CvoK2CswVkFagV4grsCtgrkFZgrMFdBXsFcBWEFcBXAV1BXkFcgr2CvoK1BXsFag',
    'VmCvEFYgrgKxBXkFeQV6CuwV0FegrkFagrECtoK3BXYK8gryCtwVv2CtwVkFaBWoKzBWwV5BXIK4grECvoFewKxArxBWoFdgVlBX4FZQVhAr2B',
    'WIFfQK/QKyQk9gVhBXQVoFYgrEFZgV+gVmBXIFaQK3ArECsQKwgrKCtwK1ArcFewViCuwKzBXtArECuQKzArsCvSCvyCtwK+QV9BWgV2BX0Csw',
    'VyBWwVpBXsCuoK3ArCCtIKxAr9AryBWYFeIFYgV+gV9AraCvAVqCuArMFbgV9ArcFbgrKCvYFfoFYgVuBXIFfIK0grsCsQK8gV6gVmgVmBXlCT',
    'kFcgV2CuwVqCsgrcFagrECvYFeIKxArsCvUFZgVyBXUFfoFeQK4grsCtwV5BXYKzBXYK0CtArMFbQV2BXkCuwK7ArSCuQKwgrqCvIFZQV+QV+g',
    'VmgVoFfgViCvoK3Ar4FZgrEFbgrcCvEFaQVyBXkCvYFdQV5Ar2BWEFYQV2BWYFfoFeQKzAriCv0FbgrgKyCvAV1BWIK1BW4K9gVqBWIFfkFdgV',
    'xBWiCvUFfoFbQVtBX0CuIK/mKCskyms6xR0HwBYNaQAAAg/8CgDDwAAAAAAACAaaaCAaaaCAaaaCAaaaApUEZI7BX0FagrcFcgrkFeQV+gr2Cs',
    'Ar0FdgrUFbBWoKxBXsFfQVyCswV2CvIK7BXAV+ArgKxBWoK+QVqCvoK9Ar6CtIK5BX0FbBWYKzBWkFeAV1BW4K5BWQVkFdgr2CuQVhBXIK5BXY',
    'FeArgK9BXwK0CvQVpBWYK8ArEFcgrAK8BXkFewV2CuwV7BXIK1BWIFbArYK7BXgK8grcFegrQK8BWoK0CswVuCvIK5BXAKwgr5BXqCsIK8ArSC',
    'uoKyBX6CsoKwQV6grCCvkFfkFZISeoKxArsFagrEFYgrKCvyCsoK4grRBW0FYQVhBWAKyBW0FaQVsFegrAK6grIK9QKwgriCsoK6gr0BX4CtoK',
    '+Ar6CtQV1BXyCswVxBW4K0BXqCuoK2grAFaArCCvyCvEFZQV4QViBX5BXyCtgV5BWgVyCswVtBXyCtgrcFZAr1BX5BWEFbQVxBXwFaArqCsIK8',
    'QV6QVlArKCvAScBXEFdgroK0CswVsFaBWEFeoK8ArCCuoK9ArKCuIK6BX5BXiCuAV1BWwV5BXYKyCugrUFagrIK3ArqCvEFdQV1BWgK4grAFdA',
    'rxBWQK/AV+QVmgVqCv0FYgr4FbQV9BWQViCtwVtBXgFaAriCvEFeoK6BXiCvUFYArAFdQVlBX5BXkFbwCtIK4BWsfoK8BXIKzBXsFdArEFagrY',
    'K4grSCsIK/AV8grgFaAV6BX5BW4FbAr5BXAK/mKCskymsy/oxVoAkAiQAAAg/8CgCrwAAAAAACAaaaCAaaaCAaaaCAaaaApUEZI6FfBWgrcK4F',
    'cCvAr8FewrEK9hXQrQVuFaCsBXoV8FcCswroV4FdCuQr8hXIVgK0FfArQV8FeoV8FaBXIV8FbhWQrMK1BXiFdBWwrgVmFZhXYV6FcCsArkK4Fd',
    'gryFchXsK+hWoV7CtQVkK8QrAVwKxCvIV4FehXQroV7CuBWgrCFbQrcK6FeQrwK2FewrUK8hWgrUKyFbhXgVwK4hWAV8CvYKwCvEK0CuwVlCvw',
    'VkFYgV6CsAr6Cv0FZoSewViCuhWgrAVgKyCvwKzBXAVqBW4KwCsArCFZQrYK0Ctwr2FYhXYKzCvUFYBXAVkFdBXpCvyFbBXyFfBWgrsFfQVkK4',
    'CtwrSFewV0FbBWEK0hWAV+grwFZgrxBWIK/QV8CtoV4FahXArIVuCvoK3CthWUK9gr8CsQVsFcBXyFaQroKwCvAV6BWUFZBXlEnIVwFdCuwrUK',
    'yFbhWoVgFewV4hWAV2CvUKyCuArqFfgV5BXEK6CtwrwK6Fc0FdhWwrYVmFeQV4CvAV2CugrSFcBWEK6hXgKyhX5Cv0FZQVoK/QrAV9CtwV8FZh',
    'WArYVuCvEK0hXIK8gr2CuoV4CvQVhCsQV0FZBX4FeQVkFcgr8FbhXArIV5CuoVgK0FbhXsFaBWIK/IV2CuIVohXqFfgVuCtoV9BXEK/i7kinCh',
    'IRujjSYA==',
  ].join(''),
  'base64',
);

/** SKEWED: `bzip2 -9`. */
export const BZIP2_SKEWED: Buffer = Buffer.from(
  [
    'QlpoOTFBWSZTWeKY/jEAC9v/////////////////////////////////////////////4A8eAAAAAAAAAAAAAAAPoAAAAkwAEwABMAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAEmAAmAAJgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkwAEwABMAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAEmAAmAAJgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANPRIkFGhMiPSGpmhAMgZNNMmT1Mj0Q00aaB6jJoaabKAPRNPSHqNGaJ',
    '6mgY00jTJppoaA9Q0YTzSmZNTTPUT0n6kzUz1TT0mZJsp4Bqm0abU1CqntIp6mAmmCYJiGmTBMmACZMCaYmCYARgAAACGEwJgEwg0MAAAACYE0',
    'ZMEYAmBBhMAEYJhmYnfzwd3o7T8H5ucItcF+w9Hri5wWzeOlvCais679SfXC9QZ8pzE04DYuL0ele45bgzK0FuORlAmD3tJKLh/fRYFYz1rTDN',
    'uEbjbF8MVz3xi7jCJtgVVQi1to7HnM+LvmjKLTWqKjivtMPwOHDIl+C3z3tcReJFSWOT/EnO3nv40Cttm0ah4T0nIrGc7eJfY89jZoVhEAXkiC',
    'pd9E+qfclKe6a0UX1fRO15YpbY6OG6XAvoZ++KGQKOA2UCQgEUBSNroGmJ+i47nxX6sU/d0cA5Qfp2wViZYxQAEygbNybohSuNi3RI/MDx7aQW',
    'BL43wGrRQvvdsWrs8QQFCXDadvnBTZcBEGwW7IEccLbStEjlDE3ckGvOPEa3jXNC8Laa0ECbfv3pLSI18WfQX1Ux5hrdmouj9d6RoMDQomvUCl',
    'urQ83zd9mKAjzOHMjS0TC+tt3aZIJR94i35SmBsZ477i4rZTo5zVL6XbNgxWhea2yUGgkxe0eyaYdWikCAPzBYPKlWiGINhGcRuXGLQlrlon0D',
    'XkCtOf1RLJjG5wLgZbFkTHHUCDW9L2q4FJtqR4LwOXFIMUFzMVx76TR5jw4Qo9aJqwXn3knNxz4/TvWWLUDfPRXdpR6DlNCQVabpCjsVnyG8Ya',
    'YkbjtERZTDLphdzfCTtsTFV8aXfMHJXZqPQ4sUduQCuUaYhRtgNtMD7txRgJt1sFI00II01lC2278i2HuR0hC07dsSPl9FjhF4Z0OzdXa8yL0M',
    'uLTJagK47bsFJFBb0UtpWJAkFciO8yQTTEflNJl2mVlN0HAeCAxNCBW+QvlCLpxatFpBpoQI53lH/OahZ8Y4tFuyQTbXk/R3duhCf9UUAQACO+',
    '+m9FeekeQjf1sa31oGBuFB4cX/15J8+Z9c8BgaGW5UbAG3Xr24JpjZ0ooCFMNUyHvY1O+Ne+EuWLOfPPEK4mqeTucxahv26W7a6jtHjGkaebm5',
    'jB4A9wLH4DpPAmyutj6a2H+1xRP1QmlBMQLdOmhAodfGJQf6bam5Fm20JjbS5N3PSGfbtiwJtMGNN73U/4bWJ6wfui5TaEx7NLqxL80XI4eRfC',
    'zT89ifoZxpaaChGtvdnJC1aDrtys21TGV1AvZxrW3gSZNjXUC6kXoznf+NevssM8W1fuxchMQ8u+DGt4zD37uy0dZ3crAGBLEbGI1mllsST2tW',
    'ZKXcPKstOOv1hWcDDlCXUxdNGWVsaYCA263DnM9te7258aVZSARkbaBoBtJoWpsVQpMY200JCGcSS+f8PFeUM9g3DLkdKuUbCWnuECJ1fYFymP',
    '6j086G2sCZpHCH8xSgoKubjw2v8cOrP9/4sxWsOmBXEapi3GsHnR3/aQIM6ryMsukCQIXjOG4hHwsf4R+BwuuLBe7FvTwAtBYKT78RQE3TAxIr',
    'FYgrlRMVj672krUX6XrdL6147xe6bhVunQEf2IndqUzD6+PZ6zPY4weN1vBoUxGsYxgCBCjUJluhOiP5U+38664mjrsG9gtUbF+RGtvsXwhWst',
    'jY6w1w7uhCrsd5iItpd6jV2mvZF7ppiw9cWfEcJ8MtZGI8Jwun17coExZBMaCtqEmJe6KesYAJt9qby9JT/zH8l6UgXaW1o9OO7Wj2ytSIfEJ7',
    '+4hCQfF3mxZtJmIao9GmgjroilEQwRfD63cis15U0KdsEdzfWWrRh9WMgNsGJmBLdi1CsRgYUCYgoEFYIjBVlW0xO2ETEJqRgUxSgUahSUQDu9',
    'ceHhJo+m0xWS1gLmbsBqaRihZGwAbTRpGrthhtW5KZBWZbVgIKEArY7ILGJECFi4pboKQOm3pjN0v9YvQSnl158qvC6egxnynG0vcdMAW7GauK',
    '4gQj5GPVWr8uaRo9eb+bvyDvthpGh4qMQhZG2NNUeCdJ7pozOFf9nUvGNUHpJEy5ALuB941iL/ztdJiuI6hVQOwHyZqOEbSlgH8h+z14rxxT1Y',
    '0V0/ENfBncRmhnpWzs/5MrNiGKgwhbO9osxdKYeCylYhNqz4Vrv5HbwUrApAuvGICNitvodTqWwT7iOZFCCoTclPwRavOLq/e9xP6zTL3BzmCV',
    'qxHGvkjUywUTaDZNt2ICPCcqUCQuyueG6x4zscjQ95o7G6vW1I16QWOkbxidp4l4RSsrcM8vjFpoS3RTxJXe2naYtOZtTzXLyaytBogx0t+dPd',
    'waa64ZDYJrqx7118uLJ843yJgCRsFumlZG0wE9e+l2mkCLHWMSV3b4fxLqUBqap5KkaJ/1ErLLKOqkqbGpUT3RFtv/T7rOvTQrMhGKq8fav299',
    'hE/ZG0nHdPX9pFKjXatNbz1bhhttiCm0/ibuKylZ102xWVhpo3p6mKsiBfKekWmZF8Eql48XqsfUzV/QMEr6Npb6MVo3JTAXjfxcQFeWmFFbiF',
    'TFRbVMTF1JSZUbtERvC1bslCXLlktqEbk47hGnbydpLnefLdfFgxqaXb3cQivoX3kqI2vREQhCBtoEFZhJRGkI8ZEmp0+LzjCECsYlYjmruX20',
    'faXpxbrz3HxpbeTVdneHcewjzLVptHk+XcsWPw7lCBC0MDxcsZUuJd8LRbx5bM4P170F0X1TlbBgC0E+K0wCGzbaUoQIDmyCiEra6IUCDQwySg',
    'SldNHGWQY4IaYmhhsuaWnj5jsSURgw43fZYrAYTRo1us6YuhALKEyxJpC4Ai2CQQS0KYGSrEsx200rbkGgKGLQsn57hU1ZkbBAmaDRMCZG6TY2',
    'DGV5wS9Ec/jHvLUFAArWU46QJapZfRYgRp9ebSIejhhv02qS3UbriWnSEZOrw18DCdAqgn3TSzfzItuXVlMK4A1EItwUEFPM38+D27ygoNGxFZ',
    'bWoerusXattUV86Wae5k4PRtVoW17eSU2LoBmwvW1ZS+WV7UURgQtxwqIrQ9pGg7y2rbw0NNtXE0gQgBAoO2nREPoZNitpHIcd8kVaEjPcuKoI',
    '06CVt293j87HlTXrY09CmBqLjsmy4oad6alrW+Nc5l4CkVwRZK7d7dDMwnBNb4p1z2qQSyCEwM6OWJ3citoPejxdMUMt0p5Jzq3VnOt6CN6+Tv',
    'bOc16GLT9jm76Wc4qGDwR3+NueNANGhCOCAUAgBBACDAgCC0FCIKAPtDxiDBwSUWzFHrRrKW9J2eZUxJsFXQR27QLF8kMXwCrMayBPSjEs4k1N',
    'pAgTbVWPNtxoKtpDkUECg6JyFqKwf6MxPeOLurebcGMTdNSczKdpotuoOtZsbxbpzF/H43H/vxqXtteqHrn7iMQICrK5cpcbUsVi3x3uYsOktU',
    'yhb1tW2sDnGknWTFplpofp3IWDfzX1AobrpXyurEE3ujj4eFo1koicEcw1EXyjri8F1YkGzMjQuVE4UzeNarq+WumgOMJgGWygo8M3XZvwZBbB',
    'Zm82e1wpbe6xvpjFlAytQ0TVJI6YRDpGHUFGmIW41KjQijFNSNoH2MijMiYl9k3YmtjhCsfjSVaExFAu1cgYiTKTF3RDY3gQ06ZT7YdAo00dNH',
    '9FaWYnzWt1ksZJ8YXzLWI0aSGWrF3TuIKY++RzG/u9MdGWfNN/KYCyjMfm2paaC2ZaaiDOGorKaExoQqYnrH4AXFOx/jyotXSeC1qXToCgEbGH',
    'iowQB2Wp4dsUbcbFBoy3GmIBd22gjYJDfct7+2EExCHlshWkbKgEcI2nb3sZWRNYbEULLTQAogUdSNpkInHkVxsCyBGBSjaG7iaAgCWMXKGLEY',
    'QeG3ZcWcMEIvv0iSwrWbuy43iQEFjw6TAINN5isUCNPNuCw5FI4PRuxiwBSYgTRUINjSkYhPDgCTFMNWBRi4lBII3BIKZMppXbK5UTCYJAgmIY',
    'xAW7JYNxsehFVlmTVaebxASCxQhMyoIESOhtRPEVlK7GgB//i7kinChIcUx/GI',
  ].join(''),
  'base64',
);

/** 100 000 000 zeros: `bzip2 -9`. */
export const BZIP2_BOMB: Buffer = Buffer.from(
  [
    'QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZDgni3wFfjkAAwAAACCAAMIBNRkKgJakKgJcxQVkmU1nEYApVAD7RQA',
    'LAAABAAAggADDMCapppUiDaipEHi7kinChIcCoiS4=',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz -6` (CRC-64, a dictionary of 8 MiB). */
export const XZ: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ARWAMxdABgN3wekNHx8UJhTjICIRjwy42K2JRWZhmGzvsOpQctx5+zPBADuE5aDgbXeEKyMxG9DdS',
    'RJDGq8N93apJxqthnDUuOFDbconai44xeRy3s+JMddbpDDeljiAC1fWTXiTg1MKE6WaFVWeJakvBKD2H8Bun12KVDtehEfgT5X6YP3vo52DYf4',
    'MTYbXrfPnPZ9VqHJphoybY/0FgBSvrjcNjXjBtfbKpF5Sf290/MhZAWS9SJEsugdVJ03Ktl0HAErMj8X0on1MYxwK0CAAAD3oisukM/SZAAB6A',
    'HXCAAAGrSysbHEZ/sCAAAAAARZWg==',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz --check=crc32 --lzma2=preset=0,dict=64MiB`. */
export const XZ_CRC32: Buffer = Buffer.from(
  [
    '/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4ARWANBdABgN3wekNHx8UJhiHLK3tI7HEzrDcF5dGRbaV18iwcCW3ZSi6kzbfDIA9m9eQAgPFSvs9d',
    'c9GNzgBZvvm4rNuyef/wjUjqZkQTpjYCT+AgwC8WnpY2CqLugxC0h43rhfqZpgwMa/EkIjE8T43EQDDdXMNdK1l4oWagfl89BzhFDJFNC4qeIH',
    '1DHG8eusfOsXZsCs9NetFHM48hEZhvhrZez9Zde9PFKvhnGbsHteC/zNlFnpFt/BM3o58sgx+yzGojsnfkGJqbDYRQYWFsf1AAAAM+nOEQAB6A',
    'HXCAAAGrSysT4wDYsCAAAAAAFZWg==',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz --check=none`. */
export const XZ_NO_CHECK: Buffer = Buffer.from(
  [
    '/Td6WFoAAAD/EtlBAgAhARYAAAB0L+Wj4ARWAMxdABgN3wekNHx8UJhTjICIRjwy42K2JRWZhmGzvsOpQctx5+zPBADuE5aDgbXeEKyMxG9DdS',
    'RJDGq8N93apJxqthnDUuOFDbconai44xeRy3s+JMddbpDDeljiAC1fWTXiTg1MKE6WaFVWeJakvBKD2H8Bun12KVDtehEfgT5X6YP3vo52DYf4',
    'MTYbXrfPnPZ9VqHJphoybY/0FgBSvrjcNjXjBtfbKpF5Sf290/MhZAWS9SJEsugdVJ03Ktl0HAErMj8X0on1MYxwK0CAAAAAAeAB1wgAAHc24V',
    '2oAAr8AgAAAAAAWVo=',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz -0 -T2 --block-size=400`, sizes in the block headers. */
export const XZ_BLOCKS: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGA8A/kAMhAQwAAAAAC6hmF+ABjwA3XQAYDd8HpDR8fFCYYhyyt7SOxxM6w3BeXRkW2ldfIsHAlt2UoupM23wyAPZvXkAIDx',
    'Ur7LhGeAAAAABRq/1BR9ZFJAPAWpADIQEMAAAAAD9nqCDgAY8AUl0APG5OMBvGD0Jh54Wa61awTF27xK7MpYna3G3MfMKUD/+tMxTJOM2PJRui',
    'oBgIH8e2mmj/k1RgIkM+I4PpapFOtQGdUmaZMZ0KCOlJwGPcMAKogAAAANpSJVb0uK76A8CsAbcCIQEMAAAA/0gX+eABNgCkXQAXCAcH4aD24d',
    'owU+97UuWeZiQdVewMpZSDTCMHszx5ZD2jCcywiEk5eSkVCz5uw5KC5L97cpnl8aS0sinw9Veu/rCMP4puDBN6kUNBc+Rj/uEPUTAOyBMvMO3i',
    '1Qbvh3YjLK0gdZ3CuR9KX+YmwvYyWxFprta0ZwQ8LUxtGGu+Qh0SZMds7VmmcZlyDxwXc/7iDrRCLjEvzb5mP3EkLjWPwAAAAABr1YdDf9hEVw',
    'ADV5ADcpADxAG3Aiafs2EUFzswAwAAAAAEWVo=',
  ].join(''),
  'base64',
);

/** The first of PARTS: `xz -6`. */
export const XZ_FIRST: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AJXAGtdABgN3wekNHx8UJhTjICIRjwy42K2JRWZhmGzvsOpQctx5+zPBADuE5aDgbXeEKyMxG9DdS',
    'RJDGq8N93apJxqthnDUuOFDbconai44xeRy3s+JMddbpDDeljiAC1fWTXiTg1MKE6WYD1zuN1SAAD2Og72xEvbAgABhwHYBAAAp+BpGbHEZ/sC',
    'AAAAAARZWg==',
  ].join(''),
  'base64',
);

/** The second of PARTS: `xz -6`. */
export const XZ_SECOND: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AH+AJ5dADWYSSrDTQLER893XVYIgDz7HAxeFB8S1rB/ewsJecL2P9fO3Q9bzxY/fL4scacj1pOH3b',
    'd9t/ne1vN6F9LH4x5IvARP97HOPHMUrYroJ9gyaQF/J6hvqncO1RJ4aDKaQgUAhNQhq7G+Hm7bOBoMiZfoaO8pSqNkRAFpXdsW3qDpA435YzDo',
    'qGFM3ZbI23TTvEiq/DwGYlZBlKmdiMcAAAAA4PEVvX0VFDkAAboB/wMAANZ1J5mxxGf7AgAAAAAEWVo=',
  ].join(''),
  'base64',
);

/** Nothing: `xz -6`. */
export const XZ_EMPTY: Buffer = Buffer.from(['/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo='].join(''), 'base64');

/** LONG: `xz -6`. */
export const XZ_LONG: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj49CPAWFdABiMMAFQCB58G/lOwxZuVOeXTp2iBuav2Tf2mdqTLoHGeaipCIK7o8kYvEE8uupHLfrjg2',
    'tw+g/cw3sPt4fncRx/8M0HYD9YkbiykulZuLf8gU65/L1ude/FfxjxZBKdulsTiStFk41D24UZPtHJxjWTcGu0WUzP1p/T5Ha0FQNABcFSIkEg',
    'LCmYogtwPDh//W2Z49GqrVZBRcD8oj0RZ4M4bOef0WPB4WDfIpz2ZajdFEARorGn+5fctKw6OfwM9BRqGkS9VcwaLYIWQUuHGXQl2N/q/mDecp',
    'FKBMc2Z0fPM1ZFxp1Ws4UcPInqGGAPEkdAARkyoYwwAdc9aLxdekpvdhgyLNugNFrnkpJDf6qXuACdF74jDv5f2/EaIRIkbO0s2MHYyMlhDf6a',
    'TC85ALl3KFek4VfWDSGkylxxwrngjU6F26KOdDQrCVZ08Jfqtd1R1wHakbB6Ca1H6TlVYAAAAAAAAOZhNIb7dgHcAAH9ApChDwBGR/vyscRn+w',
    'IAAAAABFla',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz --check=sha256`. */
export const XZ_SHA256: Buffer = Buffer.from(
  [
    '/Td6WFoAAArh+wyhAgAhARYAAAB0L+Wj4ARWAMxdABgN3wekNHx8UJhTjICIRjwy42K2JRWZhmGzvsOpQctx5+zPBADuE5aDgbXeEKyMxG9DdS',
    'RJDGq8N93apJxqthnDUuOFDbconai44xeRy3s+JMddbpDDeljiAC1fWTXiTg1MKE6WaFVWeJakvBKD2H8Bun12KVDtehEfgT5X6YP3vo52DYf4',
    'MTYbXrfPnPZ9VqHJphoybY/0FgBSvrjcNjXjBtfbKpF5Sf290/MhZAWS9SJEsugdVJ03Ktl0HAErMj8X0on1MYxwK0CAAAB83AFMRHtQc4zCat',
    'fz6G0weYj2rdg+kt0Wh4OVez13fwABgALXCAAA/UO1Erbp3xwCAAAAAApZWg==',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz --x86 --lzma2=preset=0`. */
export const XZ_X86: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgEEACEBDADWfBiv4ARWANBdABgN3wekNHx8UJhiHLK3tI7HEzrDcF5dGRbaV18iwcCW3ZSi6kzbfDIA9m9eQAgPFSvs9d',
    'c9GNzgBZvvm4rNuyef/wjUjqZkQTpjYCT+AgwC8WnpY2CqLugxC0h43rhfqZpgwMa/EkIjE8T43EQDDdXMNdK1l4oWagfl89BzhFDJFNC4qeIH',
    '1DHG8eusfOsXZsCs9NetFHM48hEZhvhrZez9Zde9PFKvhnGbsHteC/zNlFnpFt/BM3o58sgx+yzGojsnfkGJqbDYRQYWFsf1AAAA96IrLpDP0m',
    'QAAewB1wgAAAz2IyqxxGf7AgAAAAAEWVo=',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz --delta=dist=1 --lzma2=preset=0`. */
export const XZ_DELTA: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgEDAQAhAQwD2aYT4ARWAKldABgB2zd58OE9Fnh9Tb/buASpjl6dig1CUzaCIkqeSVrIg5U9U4KytPBQ0ynB0hGt8c+1rR',
    'jSvgYBEUoL7iweLUEnvsvlpz9UDs7GmvQAkINiiBDmZLg/gBhSt67p8PrcJizmn9NCBdOcvDMaRj7REsHvGf8r2umh8HCl8tN2H3S7XiQP0nFv',
    'sRL8HDgLTr8PfXLgb2Le1qYLTtSaLnRFcZDEJ/eF+XEOVQAAAAAA96IrLpDP0mQAAcUB1wgAAPKigAqxxGf7AgAAAAAEWVo=',
  ].join(''),
  'base64',
);

/** SAMPLE: `xz --lzma2=preset=0,dict=96MiB`. */
export const XZ_DICTIONARY: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgAhAR0AAAB1qOR04ARWANBdABgN3wekNHx8UJhiHLK3tI7HEzrDcF5dGRbaV18iwcCW3ZSi6kzbfDIA9m9eQAgPFSvs9d',
    'c9GNzgBZvvm4rNuyef/wjUjqZkQTpjYCT+AgwC8WnpY2CqLugxC0h43rhfqZpgwMa/EkIjE8T43EQDDdXMNdK1l4oWagfl89BzhFDJFNC4qeIH',
    '1DHG8eusfOsXZsCs9NetFHM48hEZhvhrZez9Zde9PFKvhnGbsHteC/zNlFnpFt/BM3o58sgx+yzGojsnfkGJqbDYRQYWFsf1AAAA96IrLpDP0m',
    'QAAewB1wgAAAz2IyqxxGf7AgAAAAAEWVo=',
  ].join(''),
  'base64',
);

/** 4 194 304 zeros: `xz -9`. */
export const XZ_BOMB: Buffer = Buffer.from(
  [
    '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEV',
    'PgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuF',
    '0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWy',
    'BC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzR',
    'kRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvEgn5lif/xABKwDsc1On/b6ufDEan7',
    'eNMW5wnqcjX+woy4XRlZiKfiqR8id19xnABphNmP3Yr9WQD8QlU/j1kTYxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUli+6XasWeTlWwUI',
    '+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9Ll+qDz5LZkKQEw7/EJP4cXhZ+AvN/5UoRg+p/Hze+5owLlbAj4Xzg4HAZcQlU/j1kT',
    'YxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUli+6XasWeTlWwUI+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9Ll+qDz5LZkKQ',
    'Ew7/EJP4cXhZ+AvN/5UoRg+p/Hze+5owLlbAj4Xzg4HAZcQlUQ8/soAB3AAFAEHqpi0AAGtsRXzSCWHbAAHEBYCAgALTUy1YscRn+wIAAAAABF',
    'la',
  ].join(''),
  'base64',
);
